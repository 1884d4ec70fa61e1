package minpy

import (
	"runtime"
	"sync/atomic"
	"unsafe"

	"minpy/internal/capi"
)

// An Option gives a parameter of an operator by name, or says how a call is made.
type Option struct {
	name  string
	value any
}

// With gives the parameter of that name; operators.go has one function for each.
func With(name string, value any) Option { return Option{name, value} }

// WithContext makes the call in a context.
func WithContext(c *Context) Option { return Option{optContext, c} }

// WithOut writes the result into an array, whose handle is the result too.
func WithOut(out ...*Array) Option { return Option{"out", out} }

// WithWhere computes where the mask is true; elsewhere out keeps its content. Reductions leave the others out.
func WithWhere(mask any) Option { return Option{"where", mask} }

// WithCasting is "no", "equiv", "safe", "same_kind" (the default) or "unsafe".
func WithCasting(rule string) Option { return Option{"casting", rule} }

// WithDtype computes in a dtype, or makes the result one.
func WithDtype(t Dtype) Option { return Option{"dtype", t} }

// WithOrder is the layout of the result: "K" (the default), "A", "C" or "F".
func WithOrder(order string) Option { return Option{"order", order} }

// oneOrMore passes a single number as one, which is what an axis alone must be.
func oneOrMore(x []int) any {
	if len(x) == 1 {
		return x[0]
	}
	return x
}

const optContext = "\x00context" // no parameter has this name

var castings = map[string]int32{"no": 1, "equiv": 2, "safe": 3, "same_kind": 4, "unsafe": 5}

// An operator is a row of the library's registry, found at its first use.
type operator struct {
	name   string
	params []string
	h      uintptr
}

func (o *operator) handle() (uintptr, error) {
	if h := atomic.LoadUintptr(&o.h); h != 0 {
		return h, nil
	}
	var h uintptr
	if err := check(capi.Minpy_op_find(o.name, &h)); err != nil {
		return 0, err
	}
	atomic.StoreUintptr(&o.h, h)
	return h, nil
}

func (o *operator) index(name string) int {
	for i, p := range o.params {
		if p == name {
			return i
		}
	}
	return -1
}

func contextOf(options []Option) (*Context, error) {
	for _, o := range options {
		if c, ok := o.value.(*Context); ok && o.name == optContext && c != nil {
			return c, c.alive()
		}
	}
	return defaultContext(), nil
}

// A call's results are few; one with more is made a second time with the room that it asked for.
const usualRoom = 8

// invoke calls the operator: given arguments by position, then options by name.
func (o *operator) invoke(c *Context, given []any, options []Option) ([]uintptr, error) {
	results, needed, err := o.attempt(c, usualRoom, given, options)
	if needed > usualRoom {
		results, _, err = o.attempt(c, needed, given, options)
	}
	return results, err
}

func (o *operator) attempt(c *Context, room int, given []any, options []Option) ([]uintptr, int, error) {
	h, err := o.handle()
	if err != nil {
		return nil, 0, err
	}
	f := newFrame()
	defer f.free()
	n := len(given)
	for _, option := range options {
		if i := o.index(option.name); i >= n {
			n = i + 1
		}
	}
	at := f.grow(n * valueWords)
	for i := 0; i < n; i++ {
		f.value(at + i*valueWords).Tag = capi.VDefault
	}
	for i, x := range given {
		if err := f.put(at+i*valueWords, x); err != nil {
			return nil, 0, o.blame(err, i)
		}
	}
	var out []*Array
	for _, option := range options {
		if option.name == optContext {
			continue
		}
		if i := o.index(option.name); i >= 0 {
			if err := f.put(at+i*valueWords, option.value); err != nil {
				return nil, 0, o.blame(err, i)
			}
			continue
		}
		if out, err = f.option(option, out); err != nil {
			return nil, 0, o.blame(err, -1)
		}
	}
	head := f.head()
	head.What, head.Callee, head.NArgs, head.ArgsAt = capi.CallOperator, h, int32(n), uint64(at*wordSize)
	results, needed, err := f.call(c, room, out)
	runtime.KeepAlive(given)
	runtime.KeepAlive(options)
	return results, needed, err
}

// option writes an option of the call into the frame's head.
func (f *frame) option(o Option, out []*Array) ([]*Array, error) {
	switch x := o.value.(type) {
	case []*Array:
		if o.name == "out" {
			return x, nil
		}
	case *Array:
		if o.name == "where" {
			h, err := x.handle()
			f.head().Where = h
			return out, err
		}
	case string:
		switch o.name {
		case "casting":
			if castings[x] == 0 {
				return out, failure(ErrInvalid, "ValueError", "casting must be no, equiv, safe, same_kind or unsafe, got %q", x)
			}
			f.head().Casting = castings[x]
			return out, nil
		case "order":
			if len(x) == 1 {
				f.head().Order = int32(x[0])
				return out, nil
			}
		}
	case Dtype:
		if o.name == "dtype" {
			f.head().Dtype = int32(x)
			return out, nil
		}
	}
	return out, failure(ErrType, "TypeError", "got an unexpected option %q with a value of type %T", o.name, o.value)
}

func (o *operator) blame(err error, i int) error {
	if e, ok := err.(*Error); ok {
		e.Op, e.text = o.name, o.name+": "+e.text
		if i >= 0 && i < len(o.params) {
			e.Argument = o.params[i]
		}
	}
	return err
}

// call sends the frame and reads the results. The second result is the room that would have been enough.
func (f *frame) call(c *Context, room int, out []*Array) ([]uintptr, int, error) {
	outAt, err := f.handles(out)
	if err != nil {
		return nil, 0, err
	}
	resultsAt := f.grow(room * valueWords)
	head := f.head()
	head.Context, head.NOut, head.OutAt = c.h, int32(len(out)), outAt
	head.NResults, head.ResultsAt = int32(room), uint64(resultsAt*wordSize)
	err = check(capi.Mg_call(unsafe.Pointer(head)))
	runtime.KeepAlive(c)
	runtime.KeepAlive(out)
	n := int(head.NResults)
	if err != nil {
		return nil, n, err
	}
	results := make([]uintptr, n)
	for i := range results {
		v := f.value(resultsAt + i*valueWords)
		if v.Tag != capi.VArray {
			capi.Minpy_values_release(unsafe.Pointer(f.value(resultsAt)), n)
			return nil, 0, failure(ErrUnsupported, "TypeError", "result %d is no array", i)
		}
		results[i] = uintptr(v.Bits)
	}
	return results, 0, nil
}

func one(h []uintptr, err error) (*Array, error) {
	if err != nil {
		return nil, err
	}
	if len(h) != 1 {
		capi.Minpy_arrays_release(&h[0], len(h))
		return nil, failure(ErrUnknown, "", "one result was expected, got %d", len(h))
	}
	return own(h[0]), nil
}

func many(h []uintptr, err error) ([]*Array, error) {
	if err != nil {
		return nil, err
	}
	arrays := make([]*Array, len(h))
	for i := range h {
		arrays[i] = own(h[i])
	}
	return arrays, nil
}

// What the functions of operators.go call: by the number of results, and in a scope.

func (o *operator) callList(given []any, options []Option) ([]*Array, error) {
	c, err := contextOf(options)
	if err != nil {
		return nil, err
	}
	return many(o.invoke(c, given, options))
}

func (o *operator) call1(given []any, options []Option) (*Array, error) {
	c, err := contextOf(options)
	if err != nil {
		return nil, err
	}
	return one(o.invoke(c, given, options))
}

func (o *operator) callN(n int, given []any, options []Option) ([]*Array, error) {
	a, err := o.callList(given, options)
	if err == nil && len(a) != n {
		err = failure(ErrUnknown, "", "%s: %d results were expected, got %d", o.name, n, len(a))
	}
	if err != nil {
		return make([]*Array, n), err
	}
	return a, nil
}

func (o *operator) call2(given []any, options []Option) (*Array, *Array, error) {
	a, err := o.callN(2, given, options)
	return a[0], a[1], err
}

func (o *operator) call3(given []any, options []Option) (*Array, *Array, *Array, error) {
	a, err := o.callN(3, given, options)
	return a[0], a[1], a[2], err
}

func (o *operator) inList(s *Scope, given []any, options []Option) []*Array {
	if s.err != nil {
		return nil
	}
	h, err := o.invoke(s.context, given, options)
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

func (o *operator) inN(s *Scope, n int, given []any, options []Option) []*Array {
	a := o.inList(s, given, options)
	if s.err == nil && len(a) != n {
		s.fail(failure(ErrUnknown, "", "%s: %d results were expected, got %d", o.name, n, len(a)))
	}
	if s.err != nil {
		return make([]*Array, n)
	}
	return a
}

func (o *operator) in1(s *Scope, given []any, options []Option) *Array {
	return o.inN(s, 1, given, options)[0]
}

func (o *operator) in2(s *Scope, given []any, options []Option) (*Array, *Array) {
	a := o.inN(s, 2, given, options)
	return a[0], a[1]
}

func (o *operator) in3(s *Scope, given []any, options []Option) (*Array, *Array, *Array) {
	a := o.inN(s, 3, given, options)
	return a[0], a[1], a[2]
}

// Invoke calls an operator by NumPy's name, with arguments by position and parameters by With: for operators that were
// registered at run time.
func Invoke(name string, args []any, options ...Option) ([]*Array, error) {
	o, err := findOperator(name)
	if err != nil {
		return nil, err
	}
	return o.callList(args, options)
}

func getItem(c *Context, a *Array, index []any) ([]uintptr, error) {
	return indexed(c, capi.CallGet, a, index)
}

func setItem(c *Context, a *Array, value any, index []any) error {
	_, err := indexed(c, capi.CallSet, a, append(append(make([]any, 0, len(index)+1), index...), value))
	return err
}

func indexed(c *Context, what int32, a *Array, args []any) ([]uintptr, error) {
	h, err := a.handle()
	if err != nil {
		return nil, err
	}
	f := newFrame()
	defer f.free()
	at := f.grow(len(args) * valueWords)
	for i, x := range args {
		if err := f.put(at+i*valueWords, x); err != nil {
			return nil, err
		}
	}
	head := f.head()
	head.What, head.Callee, head.NArgs, head.ArgsAt = what, h, int32(len(args)), uint64(at*wordSize)
	results, _, err := f.call(c, usualRoom, nil)
	runtime.KeepAlive(a)
	runtime.KeepAlive(args)
	return results, err
}
