package minpy

import (
	"runtime"

	"minpy/internal/capi"
)

// An Rng is a stream of random numbers, Philox 4x32-10: equal seeds and streams give equal bits everywhere.
type Rng struct{ h uintptr }

// NewRng makes a stream.
func NewRng(seed, stream uint64) (*Rng, error) {
	var h uintptr
	if err := check(capi.Minpy_rng_new(seed, stream, &h)); err != nil {
		return nil, err
	}
	return ownRng(h), nil
}

func ownRng(h uintptr) *Rng {
	r := &Rng{h}
	runtime.SetFinalizer(r, (*Rng).Close)
	return r
}

// Split makes n independent streams.
func (r *Rng) Split(n int) ([]*Rng, error) {
	if n <= 0 {
		return nil, failure(ErrInvalid, "ValueError", "a stream splits into at least one, not %d", n)
	}
	h := make([]uintptr, n)
	if err := check(capi.Minpy_rng_split(r.h, n, &h[0])); err != nil {
		return nil, err
	}
	runtime.KeepAlive(r)
	to := make([]*Rng, n)
	for i := range h {
		to[i] = ownRng(h[i])
	}
	return to, nil
}

// State is seed, stream and counter.
func (r *Rng) State() ([3]uint64, error) {
	var words [3]uint64
	defer runtime.KeepAlive(r)
	return words, check(capi.Minpy_rng_state(r.h, &words[0], 0))
}

// SetState goes to a state.
func (r *Rng) SetState(words [3]uint64) error {
	defer runtime.KeepAlive(r)
	return check(capi.Minpy_rng_state(r.h, &words[0], 1))
}

// Close releases the stream.
func (r *Rng) Close() {
	if r.h != 0 {
		capi.Minpy_rng_release(r.h)
		r.h = 0
		runtime.SetFinalizer(r, nil)
	}
}
