package minpy_test

import (
	"errors"
	"fmt"
	"log"

	"minpy"
)

func Example() {
	x, err := minpy.FromSlice([]float64{1, 2, 3, 4, 5, 6}, 2, 3)
	if err != nil {
		log.Fatal(err)
	}
	defer x.Close()
	y, err := minpy.Sum(x, minpy.WithAxis(0))
	if err != nil {
		log.Fatal(err)
	}
	defer y.Close()
	fmt.Println(y)
	// Output: [5. 7. 9.]
}

func ExampleWithScope() {
	err := minpy.WithScope(func(s *minpy.Scope) error {
		x := s.Own(minpy.FromSlice([]float64{3, 4}))
		norm := s.Sqrt(s.Sum(s.Multiply(x, x)))
		fmt.Println(norm)
		return s.Err()
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output: 5.0
}

func ExampleGrad() {
	x, _ := minpy.FromScalar(3.0)
	defer x.Close()
	foo := func(s *minpy.Scope, x ...*minpy.Array) *minpy.Array {
		if s.Float(x[0]) > 0 {
			return s.Multiply(x[0], x[0])
		}
		return s.Negative(x[0])
	}
	grads, err := minpy.Grad(foo, x)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(grads[0])
	// Output: 6.0
}

func ExampleArray_Get() {
	err := minpy.WithScope(func(s *minpy.Scope) error {
		x := s.Reshape(s.Arange(6), []int{2, 3})
		fmt.Println(s.Get(x, 1, minpy.From(1)))
		s.Set(x, 0, minpy.Colon, 0)
		fmt.Println(x)
		return s.Err()
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// [4 5]
	// [[0 1 2]
	//  [0 4 5]]
}

func ExampleError() {
	x, _ := minpy.FromSlice([]float64{1, 2, 3})
	defer x.Close()
	_, err := minpy.Matmul(x, []int{1})
	fmt.Println(err != nil)
	_, err = minpy.Reshape(x, []int{2})
	var e *minpy.Error
	fmt.Println(errors.As(err, &e), e.Op, e.Message)
	// Output:
	// true
	// true reshape cannot reshape array of size 3 into shape (2,)
}

func ExampleNewFunction() {
	err := minpy.WithScope(func(s *minpy.Scope) error {
		forward := func(s *minpy.Scope, args []any) ([]*minpy.Array, error) {
			x := args[0].(*minpy.Array)
			return []*minpy.Array{s.Multiply(x, x)}, s.Err()
		}
		backward := func(s *minpy.Scope, args []any) ([]*minpy.Array, error) {
			x, _, cotangent := args[0], args[1], args[2]
			return []*minpy.Array{s.Multiply(s.Multiply(x, 2.0), cotangent)}, s.Err()
		}
		square, err := minpy.NewFunction("square", forward, backward)
		if err != nil {
			return err
		}
		defer square.Close()
		x := s.Own(minpy.FromSlice([]float64{1, 2, 3}))
		grads := s.Grad(func(s *minpy.Scope, x ...*minpy.Array) *minpy.Array { return s.Sum(s.Call(square, x[0])[0]) }, x)
		fmt.Println(grads[0])
		return s.Err()
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output: [2. 4. 6.]
}

func ExampleSymbol() {
	x, _ := minpy.Variable("x")
	net, err := minpy.Apply("FullyConnected", "fc", minpy.Attributes{"num_hidden": 4}, x)
	if err != nil {
		log.Fatal(err)
	}
	names, _ := net.List()
	shapes, _ := net.InferShape(map[string][]int{"x": {2, 3}})
	fmt.Println(names.Arguments, shapes.Arguments)
	// Output: [x fc_weight fc_bias] [[2 3] [4 3] [4]]
}
