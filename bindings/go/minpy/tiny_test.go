package minpy_test

import (
	"testing"

	"minpy"
)

// must ends a test at the first error.
func must[T any](x T, err error) func(t testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
}

func array[T minpy.Element](t testing.TB, data []T, shape ...int) *minpy.Array {
	t.Helper()
	a := must(minpy.FromSlice(data, shape...))(t)
	t.Cleanup(a.Close)
	return a
}

func equal[T minpy.Element](t testing.TB, a *minpy.Array, want ...T) {
	t.Helper()
	got := must(minpy.Data[T](a))(t)
	if len(got) != len(want) {
		t.Fatalf("%v instead of %v", got, want)
	}
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("%v instead of %v", got, want)
		}
	}
}

func TestTinyAddSumAndGradient(t *testing.T) {
	x := array(t, []float64{1, 2, 3})
	y := must(minpy.Add(x, 0.5))(t)
	defer y.Close()
	equal(t, y, 1.5, 2.5, 3.5)
	grads := must(minpy.Grad(func(s *minpy.Scope, x ...*minpy.Array) *minpy.Array {
		return s.Sum(s.Multiply(x[0], x[0]))
	}, x))(t)
	defer grads[0].Close()
	equal(t, grads[0], 2.0, 4.0, 6.0)
}
