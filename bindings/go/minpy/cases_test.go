package minpy_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"testing"

	"minpy"
)

// The case table that all languages run; tests/cases/README.md says what a case is.

type tableArray struct {
	Dtype string
	Shape []int
	Data  []any
	Range []json.Number
	Order string
	View  []any
}

type tableCase struct {
	Name, Op    string
	Args        []any
	Kwargs      map[string]any
	Options     map[string]any
	Expect      []tableArray
	Ulps        int64
	After       map[string]tableArray
	Error, Kind string
	Text        string
	Except      map[string]string
	Grad        *struct {
		Args   []int
		Expect []tableArray
		Ulps   int64
	}
}

func decodeTable(data []byte, to any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	return d.Decode(to)
}

func TestCases(t *testing.T) {
	files, _ := filepath.Glob("../../../tests/cases/*.json")
	if len(files) == 0 {
		t.Skip("the case table is in the repository, not in the package")
	}
	var bits map[string][]string
	if build := os.Getenv("MINPY_BUILD"); build != "" {
		if text, err := os.ReadFile(filepath.Join(build, "cases.bits.json")); err == nil {
			if err := json.Unmarshal(text, &bits); err != nil {
				t.Fatal(err)
			}
		}
	}
	if bits == nil {
		t.Log("no bits were recorded to compare with: $MINPY_BUILD/cases.bits.json")
	}
	sort.Strings(files)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var table struct{ Cases []tableCase }
		if err := decodeTable(text, &table); err != nil {
			t.Fatal(file, err)
		}
		family := strings.TrimSuffix(filepath.Base(file), ".json")
		t.Run(family, func(t *testing.T) {
			for _, c := range table.Cases {
				c := c
				t.Run(c.Name, func(t *testing.T) {
					if why := c.Except["go"]; why != "" {
						t.Skip(why)
					}
					runCase(t, c, bits[family+"/"+c.Name])
				})
			}
		})
	}
}

func runCase(t *testing.T, c tableCase, bits []string) {
	err := minpy.WithScope(func(s *minpy.Scope) error {
		args := make([]any, len(c.Args))
		for i, x := range c.Args {
			args[i] = tableValue(t, s, x)
		}
		if c.Op == "str" {
			if text := args[0].(*minpy.Array).String(); text != c.Text {
				t.Errorf("%s\ninstead of\n%s", text, c.Text)
			}
			return nil
		}
		results, err := callCase(t, s, c, args)
		if c.Error != "" {
			expectError(t, c, err)
			return nil
		}
		if err != nil {
			return err
		}
		if c.Expect != nil && len(results) != len(c.Expect) {
			t.Fatalf("%d results instead of %d", len(results), len(c.Expect))
		}
		for i := range c.Expect {
			expectArray(t, fmt.Sprint("result ", i), results[i], c.Expect[i], c.Ulps)
		}
		for i := range bits {
			if got := hex.EncodeToString(elementBytes(t, results[i])); got != bits[i] {
				t.Errorf("result %d has other bits than in C: %s, %s", i, got, bits[i])
			}
		}
		for i, want := range c.After {
			n, _ := strconv.Atoi(i)
			expectArray(t, "argument "+i, args[n].(*minpy.Array), want, 0)
		}
		if c.Grad != nil {
			return gradientCase(t, s, c, args)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func callCase(t *testing.T, s *minpy.Scope, c tableCase, args []any) ([]*minpy.Array, error) {
	if c.Op == "[]" || c.Op == "[]=" {
		x, index := args[0].(*minpy.Array), args[1].([]any)
		if c.Op == "[]=" {
			return nil, x.Set(args[2], index...)
		}
		y, err := x.Get(index...)
		if err != nil {
			return nil, err
		}
		return []*minpy.Array{s.Own(y, nil)}, nil
	}
	options := []minpy.Option{minpy.WithContext(s.Context())}
	for name, x := range c.Kwargs {
		options = append(options, minpy.With(name, tableValue(t, s, x)))
	}
	for name, x := range c.Options {
		switch name {
		case "out":
			options = append(options, minpy.WithOut(tableValue(t, s, x).(*minpy.Array)))
		case "dtype":
			dtype, err := minpy.ParseDtype(x.(string))
			if err != nil {
				t.Fatal(err)
			}
			options = append(options, minpy.WithDtype(dtype))
		default:
			options = append(options, minpy.With(name, tableValue(t, s, x)))
		}
	}
	results, err := minpy.Invoke(c.Op, args, options...)
	for _, a := range results {
		s.Own(a, nil)
	}
	return results, err
}

func gradientCase(t *testing.T, s *minpy.Scope, c tableCase, args []any) error {
	wrt := make([]*minpy.Array, len(c.Grad.Args))
	for i, n := range c.Grad.Args {
		wrt[i] = args[n].(*minpy.Array)
	}
	tape, err := s.Context().NewTape()
	if err != nil {
		return err
	}
	defer tape.Close()
	watched, err := tape.Watch(wrt...)
	if err != nil {
		return err
	}
	marked := append([]any(nil), args...)
	for i, n := range c.Grad.Args {
		marked[n] = s.Own(watched[i], nil)
	}
	return tape.Context().Scope(func(inner *minpy.Scope) error {
		results, err := callCase(t, inner, c, marked)
		if err != nil {
			return err
		}
		grads, err := tape.Gradient(results[:1], watched)
		for i, g := range grads {
			expectArray(t, fmt.Sprint("gradient ", i), inner.Own(g, nil), c.Grad.Expect[i], c.Grad.Ulps)
		}
		return err
	})
}

func expectError(t *testing.T, c tableCase, err error) {
	var e *minpy.Error
	if !errors.As(err, &e) {
		t.Fatalf("%v instead of the error %q", err, c.Error)
	}
	if !regexp.MustCompile(c.Error).MatchString(e.Error()) {
		t.Errorf("%q instead of %q", e.Error(), c.Error)
	}
	if c.Kind != "" && e.Kind != c.Kind {
		t.Errorf("%s instead of %s", e.Kind, c.Kind)
	}
}

// ---- values ----

func isFloat(n json.Number) bool { return strings.ContainsAny(string(n), ".eE") }

func real64(t *testing.T, x any) float64 {
	v, err := strconv.ParseFloat(fmt.Sprint(x), 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func tableValue(t *testing.T, s *minpy.Scope, x any) any {
	switch x := x.(type) {
	case json.Number:
		if isFloat(x) {
			return real64(t, x)
		}
		n, _ := new(big.Int).SetString(string(x), 10)
		if n.IsInt64() {
			return int(n.Int64())
		}
		return n
	case []any:
		return tableList(t, s, x)
	case map[string]any:
		return tableObject(t, s, x)
	}
	return x // nil, bool, string
}

func tableList(t *testing.T, s *minpy.Scope, list []any) any {
	arrays, floats, ints := []*minpy.Array{}, []float64{}, []int{}
	anyFloat := false
	for _, x := range list {
		switch x := x.(type) {
		case json.Number:
			anyFloat = anyFloat || isFloat(x)
			floats = append(floats, real64(t, x))
			if n, err := x.Int64(); err == nil {
				ints = append(ints, int(n))
			}
		default:
			arrays = append(arrays, tableValue(t, s, x).(*minpy.Array))
		}
	}
	switch {
	case len(arrays) > 0:
		return arrays
	case anyFloat:
		return floats
	}
	return ints
}

func tableObject(t *testing.T, s *minpy.Scope, x map[string]any) any {
	if _, ok := x["default"]; ok {
		t.Fatal("a default in the middle of the arguments is given by leaving it out")
	}
	if _, ok := x["shape"]; ok {
		text, _ := json.Marshal(x)
		var a tableArray
		if err := decodeTable(text, &a); err != nil {
			t.Fatal(err)
		}
		return makeArray(t, s, a)
	}
	if f, ok := x["float"]; ok {
		return real64(t, f)
	}
	if c, ok := x["complex"].([]any); ok {
		return complex(real64(t, c[0]), real64(t, c[1]))
	}
	if index, ok := x["index"].([]any); ok {
		return tableIndex(t, s, index)
	}
	name, isScalar := x["scalar"].(string)
	if !isScalar {
		name = x["dtype"].(string)
	}
	dtype, err := minpy.ParseDtype(name)
	if err != nil {
		t.Fatal(err)
	}
	if !isScalar {
		return dtype
	}
	var b bytes.Buffer
	putElement(t, &b, dtype, x["value"])
	return strongScalar(dtype, b.Bytes())
}

func strongScalar(dtype minpy.Dtype, b []byte) any {
	le := binary.LittleEndian
	switch dtype {
	case minpy.Float32:
		return math.Float32frombits(le.Uint32(b))
	case minpy.Float64:
		return minpy.Strong(math.Float64frombits(le.Uint64(b)))
	case minpy.Int64:
		return int64(le.Uint64(b))
	case minpy.Int32:
		return int32(le.Uint32(b))
	case minpy.Int8:
		return int8(b[0])
	case minpy.Uint8:
		return b[0]
	}
	panic("a scalar of " + dtype.String())
}

func tableIndex(t *testing.T, s *minpy.Scope, items []any) []any {
	index := make([]any, len(items))
	for i, x := range items {
		switch x := x.(type) {
		case nil:
			index[i] = minpy.NewAxis
			continue
		case string:
			index[i] = minpy.Ellipsis
			continue
		case map[string]any:
			if parts, ok := x["slice"].([]any); ok {
				part := func(i int) int {
					if n, ok := parts[i].(json.Number); ok {
						k, _ := n.Int64()
						return int(k)
					}
					return minpy.None
				}
				index[i] = minpy.Slice{Start: part(0), Stop: part(1), Step: part(2)}
				continue
			}
		}
		index[i] = tableValue(t, s, x)
	}
	return index
}

// ---- arrays ----

func makeArray(t *testing.T, s *minpy.Scope, a tableArray) *minpy.Array {
	dtype, err := minpy.ParseDtype(a.Dtype)
	if err != nil {
		t.Fatal(err)
	}
	elements := tableBytes(t, a)
	var made *minpy.Array
	if a.Order == "F" { // the transpose of an array that is laid out the other way round
		reversed := make([]int, len(a.Shape))
		for i, n := range a.Shape {
			reversed[len(reversed)-1-i] = n
		}
		made = s.Transpose(arrayOfBytes(t, s, dtype, transposed(elements, a.Shape, dtype.Size()), reversed))
	} else {
		made = arrayOfBytes(t, s, dtype, elements, a.Shape)
	}
	if a.View != nil {
		made = s.Get(made, tableIndex(t, s, a.View)...)
	}
	if s.Err() != nil {
		t.Fatal(s.Err())
	}
	return made
}

// transposed is the elements in column-major order.
func transposed(data []byte, shape []int, item int) []byte {
	to := make([]byte, len(data))
	index := make([]int, len(shape))
	for i := 0; i < len(data); i += item {
		at, stride := 0, item
		for d, k := range index {
			at += k * stride
			stride *= shape[d]
		}
		copy(to[at:at+item], data[i:i+item])
		for d := len(shape) - 1; d >= 0; d-- {
			if index[d]++; index[d] < shape[d] {
				break
			}
			index[d] = 0
		}
	}
	return to
}

func arrayOfBytes(t *testing.T, s *minpy.Scope, dtype minpy.Dtype, data []byte, shape []int) *minpy.Array {
	var a *minpy.Array
	switch dtype {
	case minpy.Bool:
		a = fromBytes[bool](t, s, data, shape)
	case minpy.Int8:
		a = fromBytes[int8](t, s, data, shape)
	case minpy.Int16:
		a = fromBytes[int16](t, s, data, shape)
	case minpy.Int32:
		a = fromBytes[int32](t, s, data, shape)
	case minpy.Int64:
		a = fromBytes[int64](t, s, data, shape)
	case minpy.Uint8:
		a = fromBytes[uint8](t, s, data, shape)
	case minpy.Uint16:
		a = fromBytes[uint16](t, s, data, shape)
	case minpy.Uint32:
		a = fromBytes[uint32](t, s, data, shape)
	case minpy.Uint64:
		a = fromBytes[uint64](t, s, data, shape)
	case minpy.Float16:
		a = fromBytes[minpy.Half](t, s, data, shape)
	case minpy.BFloat16:
		a = fromBytes[minpy.Brain](t, s, data, shape)
	case minpy.Float32:
		a = fromBytes[float32](t, s, data, shape)
	case minpy.Float64:
		a = fromBytes[float64](t, s, data, shape)
	case minpy.Complex64:
		a = fromBytes[complex64](t, s, data, shape)
	case minpy.Complex128:
		a = fromBytes[complex128](t, s, data, shape)
	}
	return a
}

func fromBytes[T minpy.Element](t *testing.T, s *minpy.Scope, data []byte, shape []int) *minpy.Array {
	n := len(data) / minpy.DtypeOf[T]().Size()
	values := make([]T, n)
	if err := binary.Read(bytes.NewReader(data), binary.LittleEndian, values); err != nil {
		t.Fatal(err)
	}
	if len(shape) == 0 {
		return s.Own(minpy.FromScalar(values[0]))
	}
	return s.Own(minpy.FromSlice(values, shape...))
}

func elementBytes(t *testing.T, a *minpy.Array) []byte {
	data, err := a.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func tableBytes(t *testing.T, a tableArray) []byte {
	dtype, err := minpy.ParseDtype(a.Dtype)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	for _, x := range a.Data {
		putElement(t, &b, dtype, x)
	}
	if a.Range != nil {
		n := 1
		for _, size := range a.Shape {
			n *= size
		}
		for i := 0; i < n; i++ {
			if dtype < minpy.Float16 {
				start, _ := a.Range[0].Int64()
				step, _ := a.Range[1].Int64()
				putElement(t, &b, dtype, json.Number(strconv.FormatInt(start+int64(i)*step, 10)))
			} else {
				x := real64(t, a.Range[0]) + float64(float64(i)*real64(t, a.Range[1]))
				putElement(t, &b, dtype, strconv.FormatFloat(x, 'g', -1, 64))
			}
		}
	}
	return b.Bytes()
}

func putElement(t *testing.T, b *bytes.Buffer, dtype minpy.Dtype, x any) {
	put := func(v any) {
		if err := binary.Write(b, binary.LittleEndian, v); err != nil {
			t.Fatal(err)
		}
	}
	integer := func() uint64 {
		n, ok := new(big.Int).SetString(fmt.Sprint(x), 10)
		if !ok {
			t.Fatal(x, " is no integer")
		}
		return new(big.Int).And(n, new(big.Int).SetUint64(math.MaxUint64)).Uint64()
	}
	part := func(i int) float64 { return real64(t, x.([]any)[i]) }
	switch dtype {
	case minpy.Bool:
		on, isBool := x.(bool)
		put(on || !isBool && integer() != 0)
	case minpy.Int8, minpy.Uint8:
		put(uint8(integer()))
	case minpy.Int16, minpy.Uint16:
		put(uint16(integer()))
	case minpy.Int32, minpy.Uint32:
		put(uint32(integer()))
	case minpy.Int64, minpy.Uint64:
		put(integer())
	case minpy.Float16:
		put(halfOf(real64(t, x)))
	case minpy.BFloat16:
		put(uint16(math.Float32bits(float32(real64(t, x))) >> 16))
	case minpy.Float32:
		put(float32(real64(t, x)))
	case minpy.Float64:
		put(real64(t, x))
	case minpy.Complex64:
		put(complex64(complex(part(0), part(1))))
	case minpy.Complex128:
		put(complex(part(0), part(1)))
	}
}

// halfOf is the float16 of a number that is one.
func halfOf(x float64) uint16 {
	sign := uint16(0)
	if math.Signbit(x) {
		sign, x = 0x8000, -x
	}
	switch {
	case math.IsNaN(x):
		return 0x7e00
	case math.IsInf(x, 0):
		return sign | 0x7c00
	case x < 0x1p-14:
		return sign | uint16(x*0x1p24)
	}
	exponent := math.Ilogb(x)
	return sign | uint16(exponent+15)<<10 | uint16(math.Ldexp(x, 10-exponent)-1024)
}

func ofHalf(h uint16) float64 {
	exponent, x := int(h>>10&31), float64(h&1023)
	switch {
	case exponent == 31 && x != 0:
		return math.NaN()
	case exponent == 31:
		x = math.Inf(1)
	case exponent == 0:
		x *= 0x1p-24
	default:
		x = math.Ldexp(x+1024, exponent-25)
	}
	if h&0x8000 != 0 {
		return -x
	}
	return x
}

// elementParts are the real numbers of an element that is no integer.
func elementParts(dtype minpy.Dtype, b []byte) []float64 {
	le := binary.LittleEndian
	single := func(b []byte) float64 { return float64(math.Float32frombits(le.Uint32(b))) }
	double := func(b []byte) float64 { return math.Float64frombits(le.Uint64(b)) }
	switch dtype {
	case minpy.Float16:
		return []float64{ofHalf(le.Uint16(b))}
	case minpy.BFloat16:
		return []float64{float64(math.Float32frombits(uint32(le.Uint16(b)) << 16))}
	case minpy.Float32:
		return []float64{single(b)}
	case minpy.Float64:
		return []float64{double(b)}
	case minpy.Complex64:
		return []float64{single(b), single(b[4:])}
	case minpy.Complex128:
		return []float64{double(b), double(b[8:])}
	}
	return nil
}

func ulpsBetween(dtype minpy.Dtype, x, y float64) uint64 {
	// Sign and magnitude as one order; unsigned, because the distance may need all bits.
	ordered := func(bits, sign uint64) uint64 {
		if bits&sign != 0 {
			return -(bits &^ sign)
		}
		return bits
	}
	bits := func(x float64) uint64 { return ordered(math.Float64bits(x), 1<<63) }
	if dtype == minpy.Float32 || dtype == minpy.Complex64 {
		bits = func(x float64) uint64 { return ordered(uint64(math.Float32bits(float32(x))), 1<<31) }
	}
	d := bits(x) - bits(y)
	if -d < d {
		return -d
	}
	return d
}

func sameElement(dtype minpy.Dtype, a, b []byte, ulps int64) bool {
	if bytes.Equal(a, b) {
		return true
	}
	x, y := elementParts(dtype, a), elementParts(dtype, b)
	for i := range x {
		near := ulps > 0 && ulpsBetween(dtype, x[i], y[i]) <= uint64(ulps)
		equal := x[i] == y[i] && math.Signbit(x[i]) == math.Signbit(y[i])
		if !equal && !near && !(math.IsNaN(x[i]) && math.IsNaN(y[i])) {
			return false
		}
	}
	return len(x) > 0
}

func expectArray(t *testing.T, what string, got *minpy.Array, want tableArray, ulps int64) {
	t.Helper()
	if got.Dtype().String() != want.Dtype || !reflect.DeepEqual(got.Shape(), want.Shape) {
		t.Fatalf("%s is %v%v instead of %v%v", what, got.Dtype(), got.Shape(), want.Dtype, want.Shape)
	}
	a, b := elementBytes(t, got), tableBytes(t, want)
	if len(a) != len(b) {
		t.Fatalf("%s has %d bytes instead of %d", what, len(a), len(b))
	}
	item := got.Dtype().Size()
	for i := 0; i < len(a); i += item {
		if !sameElement(got.Dtype(), a[i:i+item], b[i:i+item], ulps) {
			t.Fatalf("%s, element %d: %x %v instead of %x %v", what, i/item, a[i:i+item], elementParts(got.Dtype(), a[i:i+item]),
				b[i:i+item], elementParts(got.Dtype(), b[i:i+item]))
		}
	}
}
