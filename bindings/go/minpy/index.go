package minpy

import "math"

// None stands for a part of a Slice that is not given.
const None = math.MinInt64

// A Slice is NumPy's start:stop:step; None where a part is not given.
type Slice struct{ Start, Stop, Step int }

// Items of an index beside integers, bools, slices and arrays.
var (
	Colon    = Slice{None, None, None} // :
	Ellipsis = ellipsis{}              // …
	NewAxis  = newAxis{}               // an axis of size 1
)

type (
	ellipsis struct{}
	newAxis  struct{}
)

// From is start:.
func From(start int) Slice { return Slice{start, None, None} }

// To is :stop.
func To(stop int) Slice { return Slice{None, stop, None} }

// Span is start:stop.
func Span(start, stop int) Slice { return Slice{start, stop, None} }

// Get reads a[index...] with NumPy's rules: integers, Slices, Colon, Ellipsis, NewAxis, bools and arrays. Without arrays the
// result is a view.
func (a *Array) Get(index ...any) (*Array, error) {
	return one(getItem(defaultContext(), a, index))
}

// Set writes a[index...] = value, an array or a number.
func (a *Array) Set(value any, index ...any) error {
	return setItem(defaultContext(), a, value, index)
}
