// Hello shows arrays, operators and a gradient.
package main

import (
	"fmt"
	"log"

	"minpy"
)

func main() {
	err := minpy.WithScope(func(s *minpy.Scope) error {
		x := s.Own(minpy.FromSlice([]float64{0, 1, 2, 3, 4, 5}, 2, 3))
		fmt.Println(s.Sum(x, minpy.WithAxis(0)))
		grads := s.Grad(func(s *minpy.Scope, x ...*minpy.Array) *minpy.Array {
			return s.Sum(s.Multiply(x[0], x[0]))
		}, x)
		fmt.Println(grads[0])
		return s.Err()
	})
	if err != nil {
		log.Fatal(err)
	}
}
