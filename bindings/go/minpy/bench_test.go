package minpy_test

import (
	"testing"

	"minpy"
)

func BenchmarkAddAndClose(b *testing.B) {
	x := array(b, []float64{1, 2, 3, 4})
	b.ReportAllocs()
	for i := 0; i < b.N; i++ {
		y, err := minpy.Add(x, x)
		if err != nil {
			b.Fatal(err)
		}
		y.Close()
	}
}

func BenchmarkAddInScope(b *testing.B) {
	x := array(b, []float64{1, 2, 3, 4})
	b.ReportAllocs()
	const rounds = 100
	for i := 0; i < b.N; i += rounds {
		err := minpy.WithScope(func(s *minpy.Scope) error {
			for j := 0; j < rounds; j++ {
				s.Add(x, x)
			}
			return s.Err()
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}
