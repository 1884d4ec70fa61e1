package minpy_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"testing"

	"minpy"
)

func perceptron(t testing.TB) *minpy.Symbol {
	x := must(minpy.Variable("x"))(t)
	hidden := must(minpy.Apply("FullyConnected", "fc", minpy.Attributes{"num_hidden": 4}, x))(t)
	return must(minpy.Apply("Activation", "act", minpy.Attributes{"act_type": "tanh"}, hidden))(t)
}

func TestSymbolNamesItsArgumentsAndInfersShapes(t *testing.T) {
	net := perceptron(t)
	defer net.Close()
	names := must(net.List())(t)
	if !reflect.DeepEqual(names.Arguments, []string{"x", "fc_weight", "fc_bias"}) {
		t.Error(names)
	}
	shapes := must(net.InferShape(map[string][]int{"x": {2, 3}}))(t)
	want := [][]int{{2, 3}, {4, 3}, {4}}
	if !shapes.Complete || !reflect.DeepEqual(shapes.Arguments, want) || !reflect.DeepEqual(shapes.Outputs, [][]int{{2, 4}}) {
		t.Errorf("%+v", shapes)
	}
}

func TestSymbolIsSavedAndLoaded(t *testing.T) {
	net := perceptron(t)
	defer net.Close()
	text := must(json.Marshal(net))(t)
	again := must(minpy.LoadSymbol(string(text)))(t)
	defer again.Close()
	if a, b := must(net.List())(t), must(again.List())(t); !reflect.DeepEqual(a, b) {
		t.Error(a, b)
	}
	if _, err := minpy.LoadSymbol("{"); err == nil {
		t.Error("half a graph was loaded")
	}
}

func TestFunctionOfASymbolIsCalledAndDifferentiated(t *testing.T) {
	a, b := must(minpy.Variable("a"))(t), must(minpy.Variable("b"))(t)
	product := must(minpy.Apply("multiply", "", nil, a, b))(t)
	f := must(product.Function("a", "b"))(t)
	defer f.Close()
	x, y := array(t, []float64{1, 2}), array(t, []float64{3, 4})
	z := must(f.Call([]any{x, y}))(t)
	defer z[0].Close()
	equal(t, z[0], 3.0, 8.0)
	grads := must(minpy.Grad(func(s *minpy.Scope, v ...*minpy.Array) *minpy.Array {
		return s.Sum(s.Call(f, v[0], v[1])[0])
	}, x, y))(t)
	equal(t, grads[0], 3.0, 4.0)
	equal(t, grads[1], 1.0, 2.0)
	if _, err := product.Function("c"); err == nil || errors.Is(err, minpy.ErrUnknown) {
		t.Error(err)
	}
}
