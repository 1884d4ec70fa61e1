package minpy_test

import (
	"errors"
	"math/big"
	"reflect"
	"testing"

	"minpy"
)

func TestElementsOfEveryTypeComeBack(t *testing.T) {
	equal(t, array(t, []bool{true, false}), true, false)
	equal(t, array(t, []int8{-1, 2}), int8(-1), 2)
	equal(t, array(t, []uint64{1 << 63}), uint64(1<<63))
	equal(t, array(t, []minpy.Half{0x3c00}), minpy.Half(0x3c00))
	equal(t, array(t, []float32{1.5}), float32(1.5))
	equal(t, array(t, []complex128{1 + 2i}), 1+2i)
	equal[float64](t, array(t, []float64{}))
}

func TestArrayTellsShapeStridesDtypeAndDevice(t *testing.T) {
	a := array(t, []float32{1, 2, 3, 4, 5, 6}, 2, 3)
	if !reflect.DeepEqual(a.Shape(), []int{2, 3}) || !reflect.DeepEqual(a.Strides(), []int{12, 4}) ||
		a.Ndim() != 2 || a.Size() != 6 || a.Dtype() != minpy.Float32 || a.Device() != minpy.CPU {
		t.Error(a.Shape(), a.Strides(), a.Ndim(), a.Size(), a.Dtype(), a.Device())
	}
	scalar := must(minpy.FromScalar(int32(7)))(t)
	defer scalar.Close()
	if x := must(minpy.Item[int32](scalar))(t); x != 7 || scalar.Ndim() != 0 {
		t.Error(x, scalar.Shape())
	}
}

func TestShapeThatDoesNotFitTheSliceIsRefused(t *testing.T) {
	if _, err := minpy.FromSlice([]int64{1, 2, 3}, 2, 2); !errors.Is(err, minpy.ErrShape) {
		t.Error(err)
	}
}

func TestDataOfAnotherTypeIsRefused(t *testing.T) {
	if _, err := minpy.Data[float32](array(t, []float64{1})); !errors.Is(err, minpy.ErrType) {
		t.Error(err)
	}
}

func TestViewSharesMemoryWithGo(t *testing.T) {
	a := array(t, []float64{1, 2, 3})
	view := must(minpy.View[float64](a))(t)
	view[1] = 20
	equal(t, a, 1.0, 20.0, 3.0)
	column := must(must(minpy.FromSlice([]int8{1, 2, 3, 4}, 2, 2))(t).Get(minpy.Colon, 0))(t)
	defer column.Close()
	if _, err := minpy.View[int8](column); !errors.Is(err, minpy.ErrUnsupported) {
		t.Error(err)
	}
}

func TestIndexingReadsViewsAndWritesThroughThem(t *testing.T) {
	a := array(t, []int64{0, 1, 2, 3, 4, 5}, 2, 3)
	row := must(a.Get(1))(t)
	defer row.Close()
	equal(t, row, int64(3), 4, 5)
	if !row.SharesMemory(a) {
		t.Error("a row is no view")
	}
	if err := row.Set(50, 2); err != nil {
		t.Fatal(err)
	}
	equal(t, a, int64(0), 1, 2, 3, 4, 50)
	reversed := must(a.Get(minpy.Ellipsis, minpy.Slice{Start: minpy.None, Stop: minpy.None, Step: -1}))(t)
	defer reversed.Close()
	equal(t, reversed, int64(2), 1, 0, 50, 4, 3)
	picked := must(a.Get(minpy.NewAxis, minpy.Colon, array(t, []int64{2, 0})))(t)
	defer picked.Close()
	if !reflect.DeepEqual(picked.Shape(), []int{1, 2, 2}) {
		t.Error(picked.Shape())
	}
	equal(t, picked, int64(2), 0, 50, 3)
	if err := a.Set(array(t, []int64{7, 8}), minpy.Colon, minpy.Span(0, 1)); err == nil {
		t.Error("a value of shape (2,) was written to (2, 1)")
	}
}

func TestAnIndexOutOfBoundsIsAnErrIndex(t *testing.T) {
	_, err := array(t, []int64{1}).Get(1)
	var e *minpy.Error
	if !errors.Is(err, minpy.ErrIndex) || !errors.As(err, &e) || e.Kind != "IndexError" {
		t.Error(err)
	}
}

func TestWeakNumbersTakeTheArraysDtypeAndSizedOnesBringTheirs(t *testing.T) {
	x := array(t, []int8{1, 2})
	for _, c := range []struct {
		number any
		want   minpy.Dtype
	}{
		{1, minpy.Int8}, {true, minpy.Int8}, {0.5, minpy.Float64}, {float32(0.5), minpy.Float32},
		{int16(1), minpy.Int16}, {minpy.Strong(0.5), minpy.Float64}, {1i, minpy.Complex128},
	} {
		y, err := minpy.Add(x, c.number)
		if err != nil {
			t.Error(err)
			continue
		}
		if y.Dtype() != c.want {
			t.Errorf("int8 + %T is %v, not %v", c.number, y.Dtype(), c.want)
		}
		y.Close()
	}
	huge := new(big.Int).Exp(big.NewInt(10), big.NewInt(30), nil)
	if _, err := minpy.Add(x, huge); err == nil {
		t.Error("10**30 was added to int8")
	}
}

func TestOptionsAreNamedParametersAndThoseOfTheCall(t *testing.T) {
	x := array(t, []float64{1, 2, 3, 4}, 2, 2)
	columns := must(minpy.Sum(x, minpy.WithAxis(0), minpy.WithKeepdims(true)))(t)
	defer columns.Close()
	if !reflect.DeepEqual(columns.Shape(), []int{1, 2}) {
		t.Error(columns.Shape())
	}
	equal(t, columns, 4.0, 6.0)
	out := array(t, []float64{-1, -1, -1, -1}, 2, 2)
	y := must(minpy.Multiply(x, 10.0, minpy.WithOut(out), minpy.WithWhere(array(t, []bool{true, false}))))(t)
	defer y.Close()
	equal(t, out, 10.0, -1.0, 30.0, -1.0)
	if _, err := minpy.Add(x, x, minpy.With("axis", 0)); !errors.Is(err, minpy.ErrType) {
		t.Error(err)
	}
}

func TestAClosedArrayIsAnErrorNotACrash(t *testing.T) {
	a := must(minpy.FromSlice([]float64{1}))(t)
	a.Close()
	a.Close()
	if _, err := minpy.Add(a, 1); !errors.Is(err, minpy.ErrState) {
		t.Error(err)
	}
	if a.Shape() != nil || a.String() == "" {
		t.Error(a.Shape(), a.String())
	}
	var none *minpy.Array
	none.Close()
}
