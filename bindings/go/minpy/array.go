package minpy

import (
	"runtime"
	"unsafe"

	"minpy/internal/capi"
)

// An Array is a handle on an n-dimensional array: a window on storage that other arrays may share. Close gives it back;
// the garbage collector does so too, but late, for it does not see how large the array is.
type Array struct {
	h     uintptr
	scope *Scope // the one that closes it, or nil
}

// own makes an array of a handle, with the finalizer that is the net under a forgotten Close.
func own(h uintptr) *Array {
	a := &Array{h: h}
	runtime.SetFinalizer(a, (*Array).release)
	return a
}

func (a *Array) release() {
	capi.Minpy_array_release(a.h)
	a.h = 0
}

// Close releases the array. A second Close does nothing.
func (a *Array) Close() {
	if a == nil || a.h == 0 {
		return
	}
	a.release()
	runtime.SetFinalizer(a, nil)
}

func (a *Array) handle() (uintptr, error) {
	if a == nil || a.h == 0 {
		return 0, failure(ErrState, "ValueError", "the array is closed")
	}
	return a.h, nil
}

func sizes(shape []int) ([]int64, *int64) {
	dims := make([]int64, len(shape)+1) // never empty, so that its address is one
	for i, n := range shape {
		dims[i] = int64(n)
	}
	return dims[:len(shape)], &dims[0]
}

// FromSlice copies elements into a new array on the CPU, row by row. No shape means one dimension.
func FromSlice[T Element](data []T, shape ...int) (*Array, error) {
	if len(shape) == 0 {
		shape = []int{len(data)}
	}
	return fromSlice(data, shape)
}

// FromScalar makes an array of no dimension.
func FromScalar[T Element](value T) (*Array, error) { return fromSlice([]T{value}, nil) }

func fromSlice[T Element](data []T, shape []int) (*Array, error) {
	n := 1
	for _, size := range shape {
		n *= size
	}
	if n != len(data) {
		return nil, failure(ErrShape, "ValueError", "cannot make an array of shape %v from %d elements", shape, len(data))
	}
	var none T
	p := unsafe.Pointer(&none)
	if n > 0 {
		p = unsafe.Pointer(&data[0])
	}
	_, dims := sizes(shape)
	var h uintptr
	if err := check(capi.Minpy_array_from_host(p, dims, nil, len(shape), int(DtypeOf[T]()), CPU.code(), &h)); err != nil {
		return nil, err
	}
	return own(h), nil
}

// Zeros of a dtype on the CPU, without an operator: for memory that is written next.
func newZeros(t Dtype, shape []int) (*Array, error) {
	_, dims := sizes(shape)
	var h uintptr
	if err := check(capi.Minpy_array_zeros(dims, len(shape), int(t), CPU.code(), &h)); err != nil {
		return nil, err
	}
	return own(h), nil
}

func (a *Array) info() (capi.ArrayInfo, error) {
	info := capi.ArrayInfo{StructSize: uint32(unsafe.Sizeof(capi.ArrayInfo{}))}
	h, err := a.handle()
	if err == nil {
		err = check(capi.Minpy_array_get_info(h, unsafe.Pointer(&info)))
	}
	return info, err
}

func ints(a *Array, p uintptr, n int32) []int {
	to := make([]int, n)
	if n > 0 {
		bytes := capi.Bytes(p, int64(n)*8)
		for i, x := range unsafe.Slice((*int64)(unsafe.Pointer(&bytes[0])), n) {
			to[i] = int(x)
		}
	}
	runtime.KeepAlive(a)
	return to
}

// Shape is the number of elements along each axis; nil for a closed array.
func (a *Array) Shape() []int {
	info, err := a.info()
	if err != nil {
		return nil
	}
	return ints(a, info.Shape, info.Ndim)
}

// Strides is the number of bytes from one element to the next along each axis.
func (a *Array) Strides() []int {
	info, err := a.info()
	if err != nil {
		return nil
	}
	return ints(a, info.Strides, info.Ndim)
}

// Ndim is the number of axes.
func (a *Array) Ndim() int {
	info, _ := a.info()
	return int(info.Ndim)
}

// Size is the number of elements.
func (a *Array) Size() int {
	info, _ := a.info()
	return int(info.Size)
}

// Dtype is the type of the elements; 0 for a closed array.
func (a *Array) Dtype() Dtype {
	info, _ := a.info()
	return Dtype(info.Dtype)
}

// Device is where the elements lie.
func (a *Array) Device() Device {
	info, _ := a.info()
	return Device{info.Kind, info.Index}
}

// SharesMemory tells whether both are windows on one storage.
func (a *Array) SharesMemory(b *Array) bool {
	x, err := a.info()
	y, fail := b.info()
	return err == nil && fail == nil && x.Storage == y.Storage
}

// IsTraced tells whether a recording follows the array.
func (a *Array) IsTraced() bool { return a != nil && a.h != 0 && capi.Minpy_array_is_traced(a.h) == 1 }

// String is NumPy's str(a).
func (a *Array) String() string {
	h, err := a.handle()
	var b uintptr
	if err == nil {
		err = check(capi.Minpy_array_to_string(h, &b))
	}
	runtime.KeepAlive(a)
	if err != nil {
		return "<" + err.Error() + ">"
	}
	return string(capi.TakeBuffer(b))
}

// Wait returns when the array is computed, with what went wrong.
func (a *Array) Wait() error {
	h, err := a.handle()
	if err != nil {
		return err
	}
	defer runtime.KeepAlive(a)
	return check(capi.Minpy_array_wait(h))
}

// Data copies the elements, row by row. T must be the array's type: AsType converts.
func Data[T Element](a *Array) ([]T, error) {
	info, err := typed[T](a)
	if err != nil {
		return nil, err
	}
	data := make([]T, info.Size)
	if info.Size > 0 {
		err = check(capi.Minpy_array_to_host(a.h, unsafe.Pointer(&data[0]), uint64(info.Nbytes), nil))
	}
	runtime.KeepAlive(a)
	return data, err
}

// Bytes copies the elements' bytes, row by row, in memory's order.
func (a *Array) Bytes() ([]byte, error) {
	info, err := a.info()
	if err != nil {
		return nil, err
	}
	data := make([]byte, info.Nbytes)
	if len(data) > 0 {
		err = check(capi.Minpy_array_to_host(a.h, unsafe.Pointer(&data[0]), uint64(len(data)), nil))
	}
	runtime.KeepAlive(a)
	return data, err
}

// Item is the element of an array of size 1.
func Item[T Element](a *Array) (T, error) {
	var x T
	info, err := typed[T](a)
	if err != nil {
		return x, err
	}
	if info.Size != 1 {
		return x, failure(ErrInvalid, "ValueError", "can only convert an array of size 1 to a scalar, got shape %v", a.Shape())
	}
	err = check(capi.Minpy_array_to_host(a.h, unsafe.Pointer(&x), uint64(info.Nbytes), nil))
	runtime.KeepAlive(a)
	return x, err
}

// View is the array's own memory, for reading and writing until Close: a contiguous array on the CPU.
func View[T Element](a *Array) ([]T, error) {
	info, err := typed[T](a)
	if err != nil {
		return nil, err
	}
	const contiguous = 1
	if info.Kind != KindCPU || info.Flags&contiguous == 0 {
		return nil, failure(ErrUnsupported, "BufferError", "only a C-contiguous array on the CPU can be viewed")
	}
	var p uintptr
	if err := check(capi.Minpy_array_data(a.h, unsafe.Pointer(&p))); err != nil || info.Size == 0 {
		return nil, err
	}
	bytes := capi.Bytes(p, info.Nbytes)
	return unsafe.Slice((*T)(unsafe.Pointer(&bytes[0])), info.Size), nil
}

func typed[T Element](a *Array) (capi.ArrayInfo, error) {
	info, err := a.info()
	if t := DtypeOf[T](); err == nil && t != Dtype(info.Dtype) {
		err = failure(ErrType, "TypeError", "the array holds %v, not %v", Dtype(info.Dtype), t)
	}
	return info, err
}

// To is a copy on a device, or the same array under a new handle if it is there already.
func (a *Array) To(d Device, options ...Option) (*Array, error) {
	h, err := a.handle()
	if err != nil {
		return nil, err
	}
	c, err := contextOf(options)
	if err != nil {
		return nil, err
	}
	var out uintptr
	err = check(capi.Mg_array_to_device(c.h, h, d.code(), &out))
	runtime.KeepAlive(a)
	runtime.KeepAlive(c)
	if err != nil {
		return nil, err
	}
	return own(out), nil
}

// Again is another handle on the same array.
func (a *Array) Again() (*Array, error) {
	h, err := a.handle()
	if err != nil {
		return nil, err
	}
	defer runtime.KeepAlive(a)
	return own(capi.Minpy_array_retain(h)), nil
}
