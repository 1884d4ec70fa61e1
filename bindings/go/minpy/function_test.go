package minpy_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"minpy"
)

// square is x*x with the gradient 2*x*g given by hand, and a mistake on demand.
func squareForward(s *minpy.Scope, args []any) ([]*minpy.Array, error) {
	x := args[0].(*minpy.Array)
	return []*minpy.Array{s.Multiply(x, x)}, s.Err()
}

func squareBackward(s *minpy.Scope, args []any) ([]*minpy.Array, error) {
	x, cotangent := args[0].(*minpy.Array), args[2].(*minpy.Array)
	return []*minpy.Array{s.Multiply(s.Multiply(x, 2.0), cotangent)}, s.Err()
}

func TestGoFunctionIsCalledAndDifferentiated(t *testing.T) {
	f := must(minpy.NewFunction("square", squareForward, squareBackward))(t)
	defer f.Close()
	x := array(t, []float64{1, 2, 3})
	y := must(f.Call([]any{x}))(t)
	equal(t, y[0], 1.0, 4.0, 9.0)
	y[0].Close()
	grads := must(minpy.Grad(func(s *minpy.Scope, x ...*minpy.Array) *minpy.Array {
		return s.Sum(s.Call(f, x[0])[0])
	}, x))(t)
	defer grads[0].Close()
	equal(t, grads[0], 2.0, 4.0, 6.0)
}

func TestErrorsAndPanicsOfCallbacksComeBackAsErrors(t *testing.T) {
	x := array(t, []float64{1})
	for name, forward := range map[string]minpy.CallFunc{
		"an ordinary error": func(*minpy.Scope, []any) ([]*minpy.Array, error) { return nil, errors.New("out of paint") },
		"a panic":           func(*minpy.Scope, []any) ([]*minpy.Array, error) { panic("out of paint") },
	} {
		f := must(minpy.NewFunction("painter", forward, nil))(t)
		_, err := f.Call([]any{x})
		if !errors.Is(err, minpy.ErrCallback) || !strings.Contains(err.Error(), "out of paint") {
			t.Errorf("%s came back as %v", name, err)
		}
		f.Close()
	}
	f := must(minpy.NewFunction("shape", func(s *minpy.Scope, args []any) ([]*minpy.Array, error) {
		y, err := minpy.Add(args[0], array(t, []float64{1, 2}))
		_, fail := minpy.Matmul(y, 1.0)
		if err == nil {
			err = fail
		}
		return nil, err
	}, nil))(t)
	defer f.Close()
	if _, err := f.Call([]any{x}); err == nil {
		t.Error("no error")
	}
}

func TestRegisteredOperatorIsFoundWithItsGradient(t *testing.T) {
	scale := func(s *minpy.Scope, args []any) ([]*minpy.Array, error) {
		return []*minpy.Array{s.Multiply(args[0], args[1])}, s.Err()
	}
	back := func(s *minpy.Scope, args []any) ([]*minpy.Array, error) {
		return []*minpy.Array{s.Multiply(args[len(args)-1], args[1])}, s.Err()
	}
	name := fmt.Sprint("go_scale_", time.Now().UnixNano()) // an operator stays for the life of the process
	f := must(minpy.NewFunction(name, scale, back))(t)
	defer f.Close()
	if err := minpy.RegisterOperator(name+"(x, factor: float = 2.0)", "Scales in Go.", f); err != nil {
		t.Fatal(err)
	}
	x := array(t, []float64{1, 2})
	y := must(minpy.Invoke(name, []any{x}, minpy.With("factor", 3.0)))(t)
	defer y[0].Close()
	equal(t, y[0], 3.0, 6.0)
	z := must(minpy.Invoke(name, []any{x}))(t)
	defer z[0].Close()
	equal(t, z[0], 2.0, 4.0)
	if err := minpy.RegisterOperator(name+"(x)", "", f); !errors.Is(err, minpy.ErrInvalid) {
		t.Error(err)
	}
}

func TestCallbacksAreForgottenWhenTheFunctionIsClosed(t *testing.T) {
	before := must(minpy.CPU.Memory())(t).LiveHandles
	for i := 0; i < 50; i++ {
		must(minpy.NewFunction("f", squareForward, nil))(t).Close()
	}
	if n := must(minpy.CPU.Memory())(t).LiveHandles; n > before {
		t.Errorf("%d handles live, %d before", n, before)
	}
}
