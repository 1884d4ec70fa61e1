package capi

import "unsafe"

// Twins of C structs; a test compares their sizes with C's.

// Frame is mg_frame.
type Frame struct {
	What, NArgs, NResults, NOut int32
	Callee, Context, Where      uintptr
	Casting, Dtype, Order, _    int32
	ArgsAt, OutAt, ResultsAt    uint64
}

// Value is minpy_value.
type Value struct {
	Tag, Len int32
	Bits     uint64
}

// ArrayInfo is minpy_array_info.
type ArrayInfo struct {
	StructSize     uint32
	Dtype, Ndim    int32
	Flags          uint32
	Kind, Index    int32
	Shape, Strides uintptr
	Size, Nbytes   int64
	Storage        uint64
}

// MemoryStats is minpy_memory_stats.
type MemoryStats struct {
	StructSize, _                                                uint32
	InUse, Cached, Peak, Limit, NAllocs, LiveArrays, LiveHandles uint64
}

// DeviceInfo is minpy_device_info.
type DeviceInfo struct {
	StructSize            uint32
	Available             int32
	Name                  [64]byte
	Backend               [32]byte
	TotalBytes, FreeBytes uint64
}

// sizes are the twins' in the order of mg_sizeof.
var sizes = []uintptr{
	unsafe.Sizeof(Frame{}), unsafe.Sizeof(Value{}), unsafe.Sizeof(ArrayInfo{}),
	unsafe.Sizeof(MemoryStats{}), unsafe.Sizeof(DeviceInfo{}),
}

// Tags of values, MINPY_V_*.
const (
	VNone = iota
	VBool
	VInt
	VUint
	VBigInt
	VFloat
	VComplex
	VScalar
	VString
	VArray
	VDtype
	VDevice
	VInts
	VFloats
	VArrays
	VFunction
	VValues
	VSlice
	VEllipsis
	VNewAxis
	VDefault
)

// What a Frame calls, MG_*.
const (
	CallOperator = iota
	CallFunction
	CallGet
	CallSet
)
