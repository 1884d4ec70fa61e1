package minpy

import (
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"runtime/cgo"
	"sync"

	"minpy/internal/capi"
)

// A CallFunc is a Go function that the library calls. The arguments are *Array, int, float64, bool, string, Dtype, []int,
// []float64, []*Array or nil; they and what the scope makes are closed after the call, results included: the library has
// its own handles then.
type CallFunc func(s *Scope, args []any) ([]*Array, error)

// A Function is called like an operator and differentiates like one. It comes from Go functions or from a Symbol.
type Function struct{ h uintptr }

// NewFunction makes a function of Go functions. Without backward it differentiates through what forward computes;
// backward is given forward's arguments, its results, and a cotangent for each result, and returns one cotangent (or nil)
// for each array argument.
func NewFunction(name string, forward, backward CallFunc) (*Function, error) {
	dropCallbacks()
	id := cgo.NewHandle(&callback{forward, backward})
	var h uintptr
	// On failure too the library lets go of the callback, and it is dropped like any other; only where nothing could
	// be allocated it stays.
	if err := check(capi.Mg_function_new(name, uint64(id), int(bit(backward != nil)), &h)); err != nil {
		return nil, err
	}
	return ownFunction(h), nil
}

type callback struct{ forward, backward CallFunc }

func ownFunction(h uintptr) *Function {
	f := &Function{h}
	runtime.SetFinalizer(f, (*Function).Close)
	return f
}

// Close releases the function.
func (f *Function) Close() {
	if f.h != 0 {
		capi.Minpy_function_release(f.h)
		f.h = 0
		runtime.SetFinalizer(f, nil)
		dropCallbacks()
	}
}

// dropCallbacks forgets the Go functions that the library has released.
func dropCallbacks() {
	for id := capi.Mg_released_callback(); id != 0; id = capi.Mg_released_callback() {
		cgo.Handle(id).Delete()
	}
}

func init() { capi.Callback = runCallback }

func runCallback(id uint64, which int32, args, results []capi.Value, n *int32) (status int32) {
	fail := func(err error) int32 {
		var e *Error
		code, kind := ErrCallback, "RuntimeError"
		if errors.As(err, &e) {
			code, kind = e.Code, e.Kind
		} else {
			errors.As(err, &code)
		}
		capi.SetError(int32(code), kind, err.Error())
		return int32(code)
	}
	defer func() {
		if r := recover(); r != nil { // a panic must not unwind through C
			status = fail(fmt.Errorf("panic in a callback: %v", r))
		}
	}()
	var current uintptr
	if err := check(capi.Minpy_context_new(&current)); err != nil { // the call's own, which is current on this thread
		return fail(err)
	}
	c := &Context{h: current}
	defer c.Close()
	s := &Scope{context: c}
	defer s.close()
	values := make([]any, len(args))
	for i, v := range args {
		values[i] = decode(s, v)
	}
	f := cgo.Handle(id).Value().(*callback)
	call := f.forward
	if which == 1 {
		call = f.backward
	}
	arrays, err := call(s, values)
	if err == nil {
		err = s.err
	}
	if err != nil {
		return fail(err)
	}
	if len(arrays) > len(results) {
		*n = int32(len(arrays))
		return fail(failure(ErrInvalid, "ValueError", "the callback gave %d results, there is room for %d", len(arrays), len(results)))
	}
	h := make([]uint64, len(arrays))
	for i, a := range arrays {
		if a == nil {
			continue
		}
		x, err := a.handle()
		if err != nil {
			return fail(err)
		}
		h[i] = uint64(x)
	}
	for i := range h {
		results[i] = capi.Value{}
		if h[i] != 0 {
			results[i] = capi.Value{Tag: capi.VArray, Bits: uint64(capi.Minpy_array_retain(uintptr(h[i])))}
		}
	}
	runtime.KeepAlive(arrays)
	*n = int32(len(arrays))
	return 0
}

// Call calls the function.
func (f *Function) Call(args []any, options ...Option) ([]*Array, error) {
	c, err := contextOf(options)
	if err != nil {
		return nil, err
	}
	return many(f.call(c, args))
}

// Call calls a function in the scope.
func (s *Scope) Call(f *Function, args ...any) []*Array {
	if s.err != nil {
		return nil
	}
	h, err := f.call(s.context, args)
	if err != nil {
		s.fail(err)
		return nil
	}
	a := make([]*Array, len(h))
	for i := range h {
		a[i] = s.adopt(h[i])
	}
	return a
}

func (f *Function) call(c *Context, args []any) ([]uintptr, error) {
	results, needed, err := f.attempt(c, usualRoom, args)
	if needed > usualRoom {
		results, _, err = f.attempt(c, needed, args)
	}
	return results, err
}

func (f *Function) attempt(c *Context, room int, args []any) ([]uintptr, int, error) {
	if f.h == 0 {
		return nil, 0, failure(ErrState, "ValueError", "the function is closed")
	}
	w := newFrame()
	defer w.free()
	at := w.grow(len(args) * valueWords)
	for i, x := range args {
		if err := w.put(at+i*valueWords, x); err != nil {
			return nil, 0, err
		}
	}
	head := w.head()
	head.What, head.Callee, head.NArgs, head.ArgsAt = capi.CallFunction, f.h, int32(len(args)), uint64(at*wordSize)
	results, needed, err := w.call(c, room, nil)
	runtime.KeepAlive(args)
	runtime.KeepAlive(f)
	return results, needed, err
}

// RegisterOperator makes a function an operator of every language: "scale_add(x, y, factor: float = 1.0)". Invoke calls
// it. An operator stays for the life of the process.
func RegisterOperator(signature, doc string, f *Function) error {
	var op uintptr
	defer runtime.KeepAlive(f)
	return check(capi.Minpy_register_op(signature, doc, f.h, &op))
}

// RegisterKernel makes a function the kernel of an existing operator on a kind of device: it is given the inputs and one
// array for each output, to be filled.
func RegisterKernel(operator string, deviceKind int, f *Function) error {
	defer runtime.KeepAlive(f)
	return check(capi.Minpy_register_kernel(operator, deviceKind, f.h))
}

var operators sync.Map // of *operator, by name

// findOperator knows any operator of the registry, with its parameters.
func findOperator(name string) (*operator, error) {
	if o, ok := operators.Load(name); ok {
		return o.(*operator), nil
	}
	o := &operator{name: name}
	h, err := o.handle()
	if err != nil {
		return nil, err
	}
	var b uintptr
	if err := check(capi.Minpy_op_schema(h, &b)); err != nil {
		return nil, err
	}
	var schema struct{ Params []struct{ Name string } }
	if err := json.Unmarshal(capi.TakeBuffer(b), &schema); err != nil {
		return nil, err
	}
	for _, p := range schema.Params {
		o.params = append(o.params, p.Name)
	}
	operators.Store(name, o)
	return o, nil
}
