// Mlp trains a perceptron, 64-128-10, on handwritten digits: the same computation as mlp.c, mlp.py and mlp.jl, which
// print the same losses. Its argument is the npz file with the digits and the first weights.
package main

import (
	"fmt"
	"log"
	"os"

	"minpy"
)

const (
	epochs  = 5
	batch   = 64
	classes = 10
)

// loss is the mean cross-entropy of the batch; p holds w1, b1, w2, b2.
func loss(s *minpy.Scope, x, onehot *minpy.Array, p []*minpy.Array) *minpy.Array {
	hidden := s.Tanh(s.Add(s.Matmul(x, p[0]), p[1]))
	scores := s.Add(s.Matmul(hidden, p[2]), p[3])
	return s.Negative(s.Mean(s.Sum(s.Multiply(onehot, s.LogSoftmax(scores)), minpy.WithAxis(1))))
}

func train(path string) error {
	file, err := minpy.LoadZ(path)
	if err != nil {
		return err
	}
	for _, a := range file {
		defer a.Close()
	}
	digits, labels, rate := file["digits"], file["labels"], file["lr"]
	params := []*minpy.Array{file["w1"], file["b1"], file["w2"], file["b2"]}
	n := digits.Shape()[0]
	for epoch := 1; epoch <= epochs; epoch++ {
		total := 0.0
		for at := 0; at < n; at += batch {
			end := at + batch
			if end > n {
				end = n
			}
			err := minpy.WithScope(func(s *minpy.Scope) error {
				rows := minpy.Span(at, end)
				x := s.Get(digits, rows)
				onehot := s.OneHot(s.Get(labels, rows), classes, minpy.WithDtype(minpy.Float64))
				value, grads := s.ValueAndGrad(func(s *minpy.Scope, p ...*minpy.Array) *minpy.Array {
					return loss(s, x, onehot, p)
				}, params...)
				for i, p := range params {
					s.Subtract(p, s.Multiply(rate, grads[i]), minpy.WithOut(p))
				}
				total += s.Float(value) * float64(end-at)
				return s.Err()
			})
			if err != nil {
				return err
			}
		}
		fmt.Printf("epoch %d loss %.6f\n", epoch, total/float64(n))
	}
	return nil
}

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: mlp digits.npz")
	}
	if err := train(os.Args[1]); err != nil {
		log.Fatal(err)
	}
}
