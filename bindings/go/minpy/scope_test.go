package minpy_test

import (
	"errors"
	"runtime"
	"testing"

	"minpy"
)

func live(t testing.TB) uint64 {
	t.Helper()
	return must(minpy.CPU.Memory())(t).LiveArrays
}

func TestScopeClosesWhatWasMadeAndLeavesWhatIsKept(t *testing.T) {
	before := live(t)
	var kept, lost *minpy.Array
	err := minpy.WithScope(func(s *minpy.Scope) error {
		x := s.Own(minpy.FromSlice([]float64{1, 2}))
		lost = s.Add(x, 1.0)
		kept = s.Multiply(lost, 2.0)
		s.Keep(kept)
		return s.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, kept, 4.0, 6.0)
	if _, err := minpy.Data[float64](lost); !errors.Is(err, minpy.ErrState) {
		t.Error(err)
	}
	kept.Close()
	if n := live(t); n != before {
		t.Errorf("%d arrays live, %d before", n, before)
	}
}

func TestTheFirstErrorOfAScopeStopsTheRest(t *testing.T) {
	calls := 0
	err := minpy.WithScope(func(s *minpy.Scope) error {
		x := s.Own(minpy.FromSlice([]float64{1, 2}))
		y := s.Add(x, s.Own(minpy.FromSlice([]float64{1, 2, 3})))
		z := s.Matmul(y, y)
		if s.Err() != nil {
			calls++
		}
		s.Set(z, 1, 0)
		s.Sum(s.Get(z, 0))
		return nil
	})
	if !errors.Is(err, minpy.ErrShape) || calls != 1 {
		t.Error(err, calls)
	}
}

func TestNestedScopesGiveMemoryBackInALoop(t *testing.T) {
	before := live(t)
	err := minpy.WithScope(func(s *minpy.Scope) error {
		x := s.Own(minpy.FromSlice(make([]float64, 1000)))
		for i := 0; i < 100; i++ {
			s.Scope(func(s *minpy.Scope) error {
				s.Add(s.Add(x, 1.0), 1.0)
				return s.Err()
			})
			if n := live(t); n > before+1 {
				t.Fatalf("%d arrays live in round %d", n-before, i)
			}
		}
		return s.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestNothingLeaksOverManyCalls(t *testing.T) {
	x := array(t, []float64{1, 2, 3})
	bad := array(t, []float64{1, 2})
	work := func() {
		y := must(minpy.Add(x, 1.5))(t)
		row := must(y.Get(minpy.NewAxis))(t)
		row.Close()
		y.Close()
		if _, err := minpy.Add(x, bad); err == nil {
			t.Fatal("no error")
		}
		grads := must(minpy.Grad(func(s *minpy.Scope, x ...*minpy.Array) *minpy.Array {
			return s.Sum(s.Exp(x[0]))
		}, x))(t)
		grads[0].Close()
	}
	work()
	runtime.GC()
	before := must(minpy.CPU.Memory())(t)
	for i := 0; i < 200; i++ {
		work()
	}
	after := must(minpy.CPU.Memory())(t)
	if after.LiveArrays != before.LiveArrays || after.LiveHandles > before.LiveHandles || after.InUse > before.InUse {
		t.Errorf("before %+v, after %+v", before, after)
	}
}

func TestAForgottenArrayIsReleasedByTheCollector(t *testing.T) {
	before := live(t)
	for i := 0; i < 100; i++ {
		must(minpy.FromSlice([]float64{1}))(t)
	}
	for i := 0; i < 100 && live(t) > before; i++ {
		runtime.GC()
		runtime.Gosched()
	}
	if n := live(t); n > before {
		t.Errorf("%d arrays are still live", n-before)
	}
}
