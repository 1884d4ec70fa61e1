package minpy

import (
	"runtime"

	"minpy/internal/capi"
)

// A Scope owns the arrays that are made in it and closes them together. Its operators return arrays alone: the first
// error makes the rest do nothing and comes out of Err, as with bufio.Writer. One goroutine uses it.
type Scope struct {
	context *Context
	arrays  []*Array
	err     error
}

// WithScope runs f with a scope of the default context. What f keeps outlives it.
func WithScope(f func(s *Scope) error) error { return defaultContext().Scope(f) }

// Err is the first error of the scope's calls.
func (s *Scope) Err() error { return s.err }

// Context is the one that the scope's calls are made in.
func (s *Scope) Context() *Context { return s.context }

func (s *Scope) fail(err error) {
	if s.err == nil {
		s.err = err
	}
}

// adopt makes an array that the scope closes; it has no finalizer.
func (s *Scope) adopt(h uintptr) *Array {
	a := &Array{h: h, scope: s}
	s.arrays = append(s.arrays, a)
	return a
}

// Own gives the scope an array that a function returned with an error: s.Own(minpy.FromSlice(data, 2, 3)).
func (s *Scope) Own(a *Array, err error) *Array {
	if err != nil {
		s.fail(err)
		return nil
	}
	if a != nil && a.scope == nil {
		runtime.SetFinalizer(a, nil)
		a.scope = s
		s.arrays = append(s.arrays, a)
	}
	return a
}

// Keep takes arrays out of the scope: the caller closes them.
func (s *Scope) Keep(arrays ...*Array) {
	kept := map[*Array]bool{}
	for _, a := range arrays {
		if a != nil && a.scope == s && a.h != 0 {
			kept[a], a.scope = true, nil
			runtime.SetFinalizer(a, (*Array).release)
		}
	}
	rest := s.arrays[:0]
	for _, a := range s.arrays {
		if !kept[a] {
			rest = append(rest, a)
		}
	}
	s.arrays = rest
}

// Scope runs f with a scope inside this one, for the temporaries of a loop.
func (s *Scope) Scope(f func(s *Scope) error) {
	if s.err == nil {
		if err := s.context.Scope(f); err != nil {
			s.fail(err)
		}
	}
}

// moveTo makes another scope close an array of this one.
func (s *Scope) moveTo(to *Scope, a *Array) *Array {
	if a != nil && a.scope == s {
		s.Keep(a)
		to.Own(a, nil)
	}
	return a
}

// Get reads a[index...] as Array.Get does.
func (s *Scope) Get(a *Array, index ...any) *Array {
	if s.err != nil {
		return nil
	}
	h, err := getItem(s.context, a, index)
	if err != nil {
		s.fail(err)
		return nil
	}
	return s.adopt(h[0])
}

// Set writes a[index...] = value as Array.Set does.
func (s *Scope) Set(a *Array, value any, index ...any) {
	if s.err == nil {
		if err := setItem(s.context, a, value, index); err != nil {
			s.fail(err)
		}
	}
}

// Float is the value of an array of size 1 as a float64; 0 after an error.
func (s *Scope) Float(a *Array) float64 {
	if s.err != nil {
		return 0
	}
	if a.Dtype() == Float32 {
		x, err := Item[float32](a)
		if err != nil {
			s.fail(err)
		}
		return float64(x)
	}
	x, err := Item[float64](a)
	if err != nil {
		s.fail(err)
	}
	return x
}

// close releases all arrays in one call.
func (s *Scope) close() {
	handles := make([]uintptr, 0, len(s.arrays)+1)
	for _, a := range s.arrays {
		if a.h != 0 {
			handles = append(handles, a.h)
			a.h = 0
		}
	}
	if len(handles) > 0 {
		capi.Minpy_arrays_release(&handles[0], len(handles))
	}
	s.arrays = nil
}
