package minpy

import (
	"runtime"
	"sync"

	"minpy/internal/capi"
)

// A Context says where and how calls run: device, policy, mode, random state, recording. It never changes; With makes
// another one.
type Context struct {
	h         uintptr
	recording bool
	keep      []any // what the C context borrows
}

// Policies: which device a call prefers, and what a fallback to the CPU does.
const (
	PreferDevice = iota
	OnlyCPU
	OnlyDevice
)

// Reactions to a fallback.
const (
	AllowFallback = iota
	WarnFallback
	RefuseFallback
)

// A Setting is one change of a Context.
type Setting func(c *Context) error

// OnDevice makes calls run, and arrays be made, on a device.
func OnDevice(d Device) Setting {
	return func(c *Context) error { return check(capi.Minpy_context_set_device(c.h, d.code())) }
}

// WithPolicy sets what decides where a call runs, and the reaction to a fallback.
func WithPolicy(policy, reaction int) Setting {
	return func(c *Context) error { return check(capi.Minpy_context_set_policy(c.h, policy, reaction)) }
}

// Training sets the mode of operators such as dropout.
func Training(on bool) Setting {
	return func(c *Context) error { return check(capi.Minpy_context_set_training(c.h, int(bit(on)))) }
}

// WithRng makes random operators draw from r.
func WithRng(r *Rng) Setting {
	return func(c *Context) error {
		c.keep = append(c.keep, r)
		return check(capi.Minpy_context_set_rng(c.h, r.h))
	}
}

func onTape(t *Tape) Setting {
	return func(c *Context) error {
		c.keep, c.recording = append(c.keep, t), true
		return check(capi.Minpy_context_set_tape(c.h, t.h))
	}
}

var (
	defaultOnce sync.Once
	defaults    = &Context{}
)

// defaultContext has the library's defaults, from MINPY_DEVICE, MINPY_POLICY and MINPY_FALLBACK.
func defaultContext() *Context {
	defaultOnce.Do(func() {
		var h uintptr // an address inside the Context must not go to C: it holds Go pointers
		if check(capi.Minpy_context_new(&h)) == nil {
			defaults.h = h // else 0 stands for the thread's own, which nobody changes
		}
	})
	return defaults
}

// NewContext is the default context with changes.
func NewContext(settings ...Setting) (*Context, error) { return defaultContext().With(settings...) }

// With is a copy with changes.
func (c *Context) With(settings ...Setting) (*Context, error) {
	if err := c.alive(); err != nil {
		return nil, err
	}
	var h uintptr
	if err := check(capi.Mg_context_copy(c.h, &h)); err != nil {
		return nil, err
	}
	to := &Context{h, c.recording, append([]any(nil), c.keep...)}
	runtime.KeepAlive(c)
	runtime.SetFinalizer(to, (*Context).Close)
	for _, set := range settings {
		if err := set(to); err != nil {
			to.Close()
			return nil, err
		}
	}
	return to, nil
}

// Close releases the context.
func (c *Context) Close() {
	if c.h != 0 && c != defaults {
		capi.Minpy_context_release(c.h)
		c.h, c.keep = 0, nil
		runtime.SetFinalizer(c, nil)
	}
}

func (c *Context) alive() error {
	if c.h == 0 && c != defaults {
		return failure(ErrState, "ValueError", "the context is closed")
	}
	return nil
}

// Scope runs f with a scope whose calls are made in this context.
func (c *Context) Scope(f func(s *Scope) error) error {
	s := &Scope{context: c}
	defer s.close()
	if err := c.alive(); err != nil {
		return err
	}
	if err := f(s); err != nil {
		return err
	}
	return s.err
}
