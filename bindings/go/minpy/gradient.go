package minpy

import (
	"runtime"

	"minpy/internal/capi"
)

// A Func is a function that can be differentiated: it computes in the scope that it is given, by ordinary Go control
// flow. Its result is an array of size 1.
type Func func(s *Scope, x ...*Array) *Array

// ValueAndGrad computes f(x...) and its gradient with respect to each x. The caller closes the results.
func ValueAndGrad(f Func, x ...*Array) (value *Array, grads []*Array, err error) {
	err = WithScope(func(s *Scope) error {
		value, grads = s.ValueAndGrad(f, x...)
		s.Keep(append(grads, value)...)
		return s.err
	})
	if err != nil {
		return nil, nil, err
	}
	return value, grads, nil
}

// Grad computes the gradient of f at x with respect to each x.
func Grad(f Func, x ...*Array) ([]*Array, error) {
	value, grads, err := ValueAndGrad(f, x...)
	value.Close()
	return grads, err
}

// Grad is the gradient in a scope: f may itself use Grad, for higher derivatives.
func (s *Scope) Grad(f Func, x ...*Array) []*Array {
	_, grads := s.ValueAndGrad(f, x...)
	return grads
}

// ValueAndGrad is the value and the gradient in a scope.
func (s *Scope) ValueAndGrad(f Func, x ...*Array) (*Array, []*Array) {
	none := make([]*Array, len(x))
	if s.err != nil {
		return nil, none
	}
	t, err := s.context.NewTape()
	if err != nil {
		s.fail(err)
		return nil, none
	}
	defer t.Close()
	inner := &Scope{context: t.context}
	defer inner.close()
	watched, err := t.Watch(x...)
	if err != nil {
		s.fail(err)
		return nil, none
	}
	for _, a := range watched {
		inner.Own(a, nil)
	}
	value := f(inner, watched...)
	if inner.err == nil && value == nil {
		inner.fail(failure(ErrInvalid, "ValueError", "the function returned no array"))
	}
	if inner.err != nil {
		s.fail(inner.err)
		return nil, none
	}
	if shape := value.Shape(); value.Size() != 1 {
		s.fail(failure(ErrShape, "ValueError", "grad needs a scalar result, got shape %v; use Tape.Gradient, or sum it", shape))
		return nil, none
	}
	grads, err := t.Gradient([]*Array{value}, watched)
	if err != nil {
		s.fail(err)
		return nil, none
	}
	for _, g := range grads {
		s.Own(g, nil)
	}
	return inner.moveTo(s, value), grads
}

// A Tape records what is computed, in its context, from the arrays that it watches.
type Tape struct {
	h       uintptr
	outer   *Context // in which gradients are computed
	context *Context // in which calls are recorded
}

// NewTape makes a tape whose calls are made as in c otherwise.
func (c *Context) NewTape() (*Tape, error) {
	var h uintptr
	if err := check(capi.Mg_tape_new(c.h, 0, &h)); err != nil {
		return nil, err
	}
	t := &Tape{h: h, outer: c}
	runtime.SetFinalizer(t, (*Tape).Close)
	context, err := c.With(onTape(t))
	if err != nil {
		t.Close()
		return nil, err
	}
	context.keep = nil // the C context holds the tape; a cycle would keep the finalizers from running
	t.context = context
	return t, nil
}

// NewTape makes a tape in the default context.
func NewTape() (*Tape, error) { return defaultContext().NewTape() }

// Context is the one whose calls are recorded: for WithContext, or its Scope.
func (t *Tape) Context() *Context { return t.context }

// Watch marks arrays. The handles to compute with are returned; they are the caller's.
func (t *Tape) Watch(x ...*Array) ([]*Array, error) {
	h, err := handles(x)
	if err != nil || len(x) == 0 {
		return nil, err
	}
	out := make([]uintptr, len(x))
	err = check(capi.Mg_tape_watch(t.outer.h, t.h, &h[0], len(h), &out[0]))
	runtime.KeepAlive(x)
	return many(out, err)
}

// Gradient is the gradient of the sum of the heads with respect to wrt. WithSeeds weighs the heads' elements.
func (t *Tape) Gradient(heads, wrt []*Array, options ...GradientOption) ([]*Array, error) {
	g := gradientCall{flags: 1} // the tape serves until it is closed
	for _, option := range options {
		option(&g)
	}
	if len(heads) == 0 || len(wrt) == 0 || len(g.seeds) > 0 && len(g.seeds) != len(heads) {
		return nil, failure(ErrInvalid, "ValueError", "a gradient needs heads, arrays to differentiate by, and no seed or one per head")
	}
	h, err := handles(heads)
	if err != nil {
		return nil, err
	}
	w, err := handles(wrt)
	if err != nil {
		return nil, err
	}
	var seeds *uintptr
	if len(g.seeds) > 0 {
		s, err := handles(g.seeds)
		if err != nil {
			return nil, err
		}
		seeds = &s[0]
	}
	context := t.outer
	if g.flags&createGraph != 0 {
		context = t.context
	}
	out := make([]uintptr, len(wrt))
	err = check(capi.Mg_tape_gradient(context.h, t.h, &h[0], seeds, len(h), &w[0], len(w), g.flags, &out[0]))
	runtime.KeepAlive([][]*Array{heads, wrt, g.seeds})
	runtime.KeepAlive(t)
	return many(out, err)
}

type gradientCall struct {
	flags uint
	seeds []*Array
}

const createGraph = 2

// A GradientOption changes one Tape.Gradient.
type GradientOption func(*gradientCall)

// CreateGraph records the gradient's own computation too, on the same tape.
func CreateGraph() GradientOption { return func(g *gradientCall) { g.flags |= createGraph } }

// WithSeeds gives the cotangent of each head, of its shape.
func WithSeeds(seeds ...*Array) GradientOption { return func(g *gradientCall) { g.seeds = seeds } }

// JVP is forward mode: how the heads move when each wrt moves along its tangent.
func (t *Tape) JVP(heads, wrt, tangents []*Array) ([]*Array, error) {
	if len(heads) == 0 || len(wrt) == 0 || len(wrt) != len(tangents) {
		return nil, failure(ErrInvalid, "ValueError", "forward mode needs heads and one tangent for each array")
	}
	h, err := handles(heads)
	if err != nil {
		return nil, err
	}
	w, err := handles(wrt)
	if err != nil {
		return nil, err
	}
	d, err := handles(tangents)
	if err != nil {
		return nil, err
	}
	out := make([]uintptr, len(heads))
	err = check(capi.Mg_tape_jvp(t.outer.h, t.h, &h[0], len(h), &w[0], &d[0], len(w), &out[0]))
	runtime.KeepAlive([][]*Array{heads, wrt, tangents})
	runtime.KeepAlive(t)
	return many(out, err)
}

// Close ends the recording.
func (t *Tape) Close() {
	if t.h == 0 {
		return
	}
	if t.context != nil {
		t.context.Close()
	}
	capi.Minpy_tape_close(t.h)
	capi.Minpy_tape_release(t.h)
	t.h = 0
	runtime.SetFinalizer(t, nil)
}

func handles(arrays []*Array) ([]uintptr, error) {
	to := make([]uintptr, len(arrays))
	for i, a := range arrays {
		h, err := a.handle()
		if err != nil {
			return nil, err
		}
		to[i] = h
	}
	return to, nil
}
