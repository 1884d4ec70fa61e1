package minpy

import (
	"math"
	"math/big"
	"sync"
	"unsafe"

	"minpy/internal/capi"
)

// A frame is one call as C receives it (mg_frame): words of memory without pointers, values pointing by offsets. It is
// kept in a pool, so that a call allocates only its result.
type frame struct{ words []uint64 }

var frames = sync.Pool{New: func() any { return &frame{words: make([]uint64, 0, 64)} }}

const (
	wordSize   = 8
	valueWords = int(unsafe.Sizeof(capi.Value{})) / wordSize
	frameWords = int(unsafe.Sizeof(capi.Frame{})) / wordSize
)

func newFrame() *frame {
	f := frames.Get().(*frame)
	f.words = f.words[:0]
	f.grow(frameWords)
	return f
}

func (f *frame) free() { frames.Put(f) }

// grow appends n zero words and returns where they begin.
func (f *frame) grow(n int) int {
	at := len(f.words)
	for i := 0; i < n; i++ {
		f.words = append(f.words, 0)
	}
	return at
}

func (f *frame) head() *capi.Frame { return (*capi.Frame)(unsafe.Pointer(&f.words[0])) }

func (f *frame) value(at int) *capi.Value { return (*capi.Value)(unsafe.Pointer(&f.words[at])) }

func (f *frame) text(s string) uint64 {
	at := f.grow((len(s) + wordSize) / wordSize)
	copy(unsafe.Slice((*byte)(unsafe.Pointer(&f.words[at])), len(s)), s)
	return uint64(at * wordSize)
}

// handles appends the arrays' handles.
func (f *frame) handles(arrays []*Array) (uint64, error) {
	at := f.grow(len(arrays))
	for i, a := range arrays {
		h, err := a.handle()
		if err != nil {
			return 0, err
		}
		f.words[at+i] = uint64(h)
	}
	return uint64(at * wordSize), nil
}

func (f *frame) list(n int, word func(i int) uint64) uint64 {
	at := f.grow(n)
	for i := 0; i < n; i++ {
		f.words[at+i] = word(i)
	}
	return uint64(at * wordSize)
}

func bit(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

func scalar(t Dtype, bits uint64) capi.Value {
	return capi.Value{Tag: capi.VScalar, Len: int32(t), Bits: bits}
}

// put writes a Go value as the value at `at`; payloads follow at the end of the frame.
func (f *frame) put(at int, x any) error {
	v, err := f.encode(x)
	*f.value(at) = v
	return err
}

func (f *frame) encode(x any) (capi.Value, error) {
	tagged := func(tag, n int, bits uint64) (capi.Value, error) {
		return capi.Value{Tag: int32(tag), Len: int32(n), Bits: bits}, nil
	}
	switch x := x.(type) {
	case nil:
		return tagged(capi.VNone, 0, 0)
	case *Array:
		if x == nil {
			return tagged(capi.VNone, 0, 0)
		}
		h, err := x.handle()
		return capi.Value{Tag: capi.VArray, Bits: uint64(h)}, err
	case int:
		return tagged(capi.VInt, 0, uint64(x))
	case float64:
		return tagged(capi.VFloat, 0, math.Float64bits(x))
	case bool:
		return tagged(capi.VBool, 0, bit(x))
	case complex128:
		bits := []uint64{math.Float64bits(real(x)), math.Float64bits(imag(x))}
		return tagged(capi.VComplex, 0, f.list(2, func(i int) uint64 { return bits[i] }))
	case uint:
		if uint64(x) > math.MaxInt64 {
			return tagged(capi.VUint, 0, uint64(x))
		}
		return tagged(capi.VInt, 0, uint64(x))
	case *big.Int:
		switch {
		case x.IsInt64():
			return tagged(capi.VInt, 0, uint64(x.Int64()))
		case x.IsUint64():
			return tagged(capi.VUint, 0, x.Uint64())
		}
		text := x.String()
		return tagged(capi.VBigInt, len(text), f.text(text))
	case int8:
		return scalar(Int8, uint64(uint8(x))), nil
	case int16:
		return scalar(Int16, uint64(uint16(x))), nil
	case int32:
		return scalar(Int32, uint64(uint32(x))), nil
	case int64:
		return scalar(Int64, uint64(x)), nil
	case uint8:
		return scalar(Uint8, uint64(x)), nil
	case uint16:
		return scalar(Uint16, uint64(x)), nil
	case uint32:
		return scalar(Uint32, uint64(x)), nil
	case uint64:
		return scalar(Uint64, x), nil
	case Half:
		return scalar(Float16, uint64(x)), nil
	case Brain:
		return scalar(BFloat16, uint64(x)), nil
	case float32:
		return scalar(Float32, uint64(math.Float32bits(x))), nil
	case complex64:
		bits := uint64(math.Float32bits(real(x))) | uint64(math.Float32bits(imag(x)))<<32
		return scalar(Complex64, bits), nil
	case strongComplex:
		bits := []uint64{math.Float64bits(real(x)), math.Float64bits(imag(x))}
		return scalar(Complex128, f.list(2, func(i int) uint64 { return bits[i] })), nil
	case strongFloat:
		return scalar(Float64, math.Float64bits(float64(x))), nil
	case strongBool:
		return scalar(Bool, bit(bool(x))), nil
	case string:
		return tagged(capi.VString, len(x), f.text(x))
	case Dtype:
		return tagged(capi.VDtype, 0, uint64(x))
	case Device:
		return tagged(capi.VDevice, 0, uint64(x.code()))
	case []int:
		return tagged(capi.VInts, len(x), f.list(len(x), func(i int) uint64 { return uint64(x[i]) }))
	case []float64:
		return tagged(capi.VFloats, len(x), f.list(len(x), func(i int) uint64 { return math.Float64bits(x[i]) }))
	case []*Array:
		at, err := f.handles(x)
		return capi.Value{Tag: capi.VArrays, Len: int32(len(x)), Bits: at}, err
	case *Function:
		if x == nil || x.h == 0 {
			return capi.Value{}, failure(ErrState, "ValueError", "the function is closed")
		}
		return tagged(capi.VFunction, 0, uint64(x.h))
	case Slice:
		parts := [...]int{x.Start, x.Stop, x.Step}
		return tagged(capi.VSlice, 0, f.list(len(parts), func(i int) uint64 { return uint64(parts[i]) }))
	case ellipsis:
		return tagged(capi.VEllipsis, 0, 0)
	case newAxis:
		return tagged(capi.VNewAxis, 0, 0)
	case missing:
		return tagged(capi.VDefault, 0, 0)
	case []any:
		at := f.grow(len(x) * valueWords)
		for i, item := range x {
			if err := f.put(at+i*valueWords, item); err != nil {
				return capi.Value{}, err
			}
		}
		return tagged(capi.VValues, len(x), uint64(at*wordSize))
	}
	return capi.Value{}, failure(ErrType, "TypeError", "a %T is no operand", x)
}

// Numbers of Go's own size that count as scalars of their dtype, not as weak numbers: Strong makes them.
type (
	strongFloat   float64
	strongComplex complex128
	strongBool    bool
	missing       struct{}
)

// Strong makes a number count with its dtype: Strong(1.0) is NumPy's float64(1.0), where 1.0 alone is Python's.
func Strong[T Element](x T) any {
	switch x := any(x).(type) {
	case float64:
		return strongFloat(x)
	case complex128:
		return strongComplex(x)
	case bool:
		return strongBool(x)
	}
	return x
}

// decode is the Go value of an argument of a callback. Arrays get a handle of their own, for the scope to close.
func decode(s *Scope, v capi.Value) any {
	list := func(words int) []uint64 {
		if v.Len == 0 {
			return nil
		}
		bytes := capi.Bytes(uintptr(v.Bits), int64(int(v.Len)*words*wordSize))
		return unsafe.Slice((*uint64)(unsafe.Pointer(&bytes[0])), int(v.Len)*words)
	}
	retained := func(h uint64) *Array { return s.adopt(capi.Minpy_array_retain(uintptr(h))) }
	switch v.Tag {
	case capi.VBool:
		return v.Bits != 0
	case capi.VInt:
		return int(v.Bits)
	case capi.VUint:
		return uint(v.Bits)
	case capi.VFloat:
		return math.Float64frombits(v.Bits)
	case capi.VString:
		return string(capi.Bytes(uintptr(v.Bits), int64(v.Len)))
	case capi.VArray:
		return retained(v.Bits)
	case capi.VDtype:
		return Dtype(v.Bits)
	case capi.VInts:
		to := make([]int, v.Len)
		for i, x := range list(1) {
			to[i] = int(x)
		}
		return to
	case capi.VFloats:
		to := make([]float64, v.Len)
		for i, x := range list(1) {
			to[i] = math.Float64frombits(x)
		}
		return to
	case capi.VArrays:
		to := make([]*Array, v.Len)
		for i, h := range list(1) {
			to[i] = retained(h)
		}
		return to
	case capi.VScalar:
		switch Dtype(v.Len) {
		case Bool:
			return v.Bits&1 != 0
		case Int8, Int16, Int32, Int64:
			shift := 64 - 8*Dtype(v.Len).Size()
			return int(int64(v.Bits<<shift) >> shift)
		case Uint8, Uint16, Uint32, Uint64:
			return uint(v.Bits)
		case Float32:
			return float64(math.Float32frombits(uint32(v.Bits)))
		case Float64:
			return math.Float64frombits(v.Bits)
		}
	}
	return nil
}
