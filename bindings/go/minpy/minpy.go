// Package minpy is NumPy's arrays for Go, on CPU or GPU, with gradients and symbol graphs: libminpy behind a Go face.
//
// Operators are NumPy's, by NumPy's names in Go's spelling: Add, Matmul, Sum, LogicalAnd. What NumPy takes as keywords
// are options: Sum(x, WithAxis(0), WithKeepdims(true)). An operand is an *Array or a number; int, float64, bool,
// complex128 and *big.Int are weak, as Python's numbers are, sized types such as float32 or int8 are scalars of their
// dtype.
//
// Arrays hold memory that Go's garbage collector cannot see. Close them, or compute in a Scope, which closes all that was
// made in it and lets errors be looked at once:
//
//	err := minpy.WithScope(func(s *minpy.Scope) error {
//		y := s.Sum(s.Multiply(x, x))
//		fmt.Println(y)
//		return s.Err()
//	})
//
// Nothing depends on the thread that a goroutine runs on. Device, policy, random state and recording are in a Context,
// which a Scope carries and a single call takes by WithContext. An Array may be read by many goroutines; a Scope belongs
// to one.
package minpy

import "minpy/internal/capi"

// Version is the version of the library, such as "0.1.0".
func Version() string {
	v := capi.Minpy_version()
	return itoa(v>>16) + "." + itoa(v>>8&255) + "." + itoa(v&255)
}

// HasFeature tells whether the library has "cuda", "openblas", "onednn", "zlib" or "debug".
func HasFeature(name string) bool { return capi.Minpy_has_feature(name) == 1 }
