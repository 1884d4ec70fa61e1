package minpy

import (
	"fmt"

	"minpy/internal/capi"
)

// A Dtype is the type of an array's elements.
type Dtype int32

// The dtypes, by the C API's numbers.
const (
	Bool Dtype = iota + 1
	Int8
	Int16
	Int32
	Int64
	Uint8
	Uint16
	Uint32
	Uint64
	Float16
	Float32
	Float64
	Complex64
	Complex128
	BFloat16
)

// String is NumPy's name: "float64".
func (t Dtype) String() string { return capi.Minpy_dtype_name(int(t)) }

// Size is the number of bytes of one element.
func (t Dtype) Size() int { return capi.Minpy_dtype_size(int(t)) }

// ParseDtype finds a dtype by NumPy's name.
func ParseDtype(name string) (Dtype, error) {
	for t := Bool; t <= BFloat16; t++ {
		if t.String() == name {
			return t, nil
		}
	}
	return 0, failure(ErrType, "TypeError", "data type %q not understood", name)
}

// Half is a float16 by its bits, and Brain a bfloat16.
type (
	Half  uint16
	Brain uint16
)

// Element is a Go type that arrays can hold.
type Element interface {
	bool | int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64 | Half | Brain | float32 | float64 |
		complex64 | complex128
}

// DtypeOf is the dtype of a Go type.
func DtypeOf[T Element]() Dtype {
	var x T
	switch any(x).(type) {
	case bool:
		return Bool
	case int8:
		return Int8
	case int16:
		return Int16
	case int32:
		return Int32
	case int64:
		return Int64
	case uint8:
		return Uint8
	case uint16:
		return Uint16
	case uint32:
		return Uint32
	case uint64:
		return Uint64
	case Half:
		return Float16
	case Brain:
		return BFloat16
	case float32:
		return Float32
	case float64:
		return Float64
	case complex64:
		return Complex64
	}
	return Complex128
}

// A Device is where arrays lie and calls run.
type Device struct{ Kind, Index int32 }

// Kinds of devices, by DLPack's numbers.
const (
	KindCPU       = 1
	KindCUDA      = 2
	KindExtension = 12
)

// CPU is the host.
var CPU = Device{KindCPU, 0}

// CUDA is the GPU of that number.
func CUDA(index int) Device { return Device{KindCUDA, int32(index)} }

// String is "cpu:0", "cuda:1".
func (d Device) String() string {
	name, ok := map[int32]string{KindCPU: "cpu", KindCUDA: "cuda", KindExtension: "ext"}[d.Kind]
	if !ok {
		name = fmt.Sprint(d.Kind)
	}
	return fmt.Sprintf("%s:%d", name, d.Index)
}

func (d Device) code() int64 { return int64(uint32(d.Kind)) | int64(d.Index)<<32 }
