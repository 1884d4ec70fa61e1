package minpy_test

import (
	"errors"
	"testing"

	"minpy"
)

func TestGradientFollowsGosControlFlow(t *testing.T) {
	foo := func(s *minpy.Scope, x ...*minpy.Array) *minpy.Array {
		if s.Float(x[0]) > 0 {
			return s.Multiply(x[0], 1.0)
		}
		return s.Multiply(x[0], 2.0)
	}
	for value, want := range map[float64]float64{3: 1, -1: 2} {
		x := must(minpy.FromScalar(value))(t)
		grads := must(minpy.Grad(foo, x))(t)
		equal(t, grads[0], want)
		grads[0].Close()
		x.Close()
	}
}

func TestGradientOfAGradient(t *testing.T) {
	x := must(minpy.FromScalar(2.0))(t)
	defer x.Close()
	cube := func(s *minpy.Scope, x ...*minpy.Array) *minpy.Array {
		return s.Multiply(x[0], s.Multiply(x[0], x[0]))
	}
	first := func(s *minpy.Scope, x ...*minpy.Array) *minpy.Array { return s.Grad(cube, x...)[0] }
	second := must(minpy.Grad(first, x))(t)
	defer second[0].Close()
	equal(t, second[0], 12.0)
}

func TestClosureReadsTheHandlesThatAreMarked(t *testing.T) {
	w := array(t, []float64{3, 4})
	grads := must(minpy.Grad(func(s *minpy.Scope, _ ...*minpy.Array) *minpy.Array {
		return s.Sum(s.Multiply(w, w))
	}, w))(t)
	defer grads[0].Close()
	equal(t, grads[0], 6.0, 8.0)
}

func TestUnreachedInputsGetZeros(t *testing.T) {
	x, y := array(t, []float64{1, 2}), array(t, []float64{1, 2, 3})
	grads := must(minpy.Grad(func(s *minpy.Scope, v ...*minpy.Array) *minpy.Array { return s.Sum(v[0]) }, x, y))(t)
	equal(t, grads[1], 0.0, 0.0, 0.0)
	grads[0].Close()
	grads[1].Close()
}

func TestGradNeedsAScalar(t *testing.T) {
	x := array(t, []float64{1, 2})
	_, err := minpy.Grad(func(s *minpy.Scope, x ...*minpy.Array) *minpy.Array { return s.Exp(x[0]) }, x)
	if !errors.Is(err, minpy.ErrShape) {
		t.Error(err)
	}
}

func TestAnErrorInsideLeavesNothingRecording(t *testing.T) {
	x := array(t, []float64{1, 2})
	_, err := minpy.Grad(func(s *minpy.Scope, v ...*minpy.Array) *minpy.Array { return s.Matmul(v[0], 1.0) }, x)
	if err == nil {
		t.Fatal("no error")
	}
	if x.IsTraced() {
		t.Error("the array is still marked")
	}
}

func TestTapeWithSeedsAndForwardMode(t *testing.T) {
	x := array(t, []float64{1, 2, 3})
	tape := must(minpy.NewTape())(t)
	defer tape.Close()
	watched := must(tape.Watch(x))(t)
	defer watched[0].Close()
	y := must(minpy.Multiply(watched[0], watched[0], minpy.WithContext(tape.Context())))(t)
	defer y.Close()
	seed := array(t, []float64{1, 10, 100})
	grads := must(tape.Gradient([]*minpy.Array{y}, watched, minpy.WithSeeds(seed)))(t)
	defer grads[0].Close()
	equal(t, grads[0], 2.0, 40.0, 600.0)
	moved := must(tape.JVP([]*minpy.Array{y}, watched, []*minpy.Array{seed}))(t)
	defer moved[0].Close()
	equal(t, moved[0], 2.0, 40.0, 600.0)
}

func TestWritesThroughAViewAreDifferentiated(t *testing.T) {
	x := array(t, []float64{1, 2, 3})
	grads := must(minpy.Grad(func(s *minpy.Scope, v ...*minpy.Array) *minpy.Array {
		y := s.Multiply(v[0], 2.0)
		s.Set(y, 0.0, 1)
		return s.Sum(y)
	}, x))(t)
	defer grads[0].Close()
	equal(t, grads[0], 2.0, 0.0, 2.0)
}
