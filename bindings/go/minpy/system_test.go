package minpy_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"minpy"
)

func TestNpyAndNpzFilesComeBack(t *testing.T) {
	folder := t.TempDir()
	a := array(t, []float32{1, 2, 3, 4}, 2, 2)
	path := filepath.Join(folder, "a.npy")
	if err := minpy.Save(path, a); err != nil {
		t.Fatal(err)
	}
	b := must(minpy.Load(path))(t)
	defer b.Close()
	equal(t, b, float32(1), 2, 3, 4)
	for _, compress := range []bool{false, true} {
		path = filepath.Join(folder, "z.npz")
		if err := minpy.SaveZ(path, map[string]*minpy.Array{"a": a, "b": array(t, []int64{7})}, compress); err != nil {
			t.Fatal(err)
		}
		z := must(minpy.LoadZ(path))(t)
		equal(t, z["a"], float32(1), 2, 3, 4)
		equal(t, z["b"], int64(7))
		z["a"].Close()
		z["b"].Close()
	}
	bytes := must(a.Encode())(t)
	c := must(minpy.Decode(bytes))(t)
	defer c.Close()
	equal(t, c, float32(1), 2, 3, 4)
	if _, err := minpy.Decode(bytes[:20]); err == nil {
		t.Error("half a file was decoded")
	}
	if _, err := minpy.Decode(nil); err == nil {
		t.Error("an empty file was decoded")
	}
	if _, err := minpy.Load(filepath.Join(folder, "none.npy")); !errors.Is(err, minpy.ErrIO) {
		t.Error(err)
	}
	if err := os.WriteFile(path, []byte("PK\x03\x04nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := minpy.LoadZ(path); err == nil {
		t.Error("nonsense was read")
	}
}

func TestEqualSeedsGiveEqualNumbersOnAnyThread(t *testing.T) {
	draw := func() []float64 {
		r := must(minpy.NewRng(42, 0))(t)
		defer r.Close()
		c := must(minpy.NewContext(minpy.WithRng(r)))(t)
		defer c.Close()
		x := must(minpy.RandomUniform(minpy.WithSize(8), minpy.WithContext(c)))(t)
		defer x.Close()
		return must(minpy.Data[float64](x))(t)
	}
	want := draw()
	var group sync.WaitGroup
	for i := 0; i < 20; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			for j, x := range draw() {
				if x != want[j] {
					t.Errorf("%v instead of %v", x, want[j])
				}
			}
		}()
	}
	group.Wait()
}

func TestRngSplitsAndKeepsItsState(t *testing.T) {
	r := must(minpy.NewRng(1, 2))(t)
	defer r.Close()
	state := must(r.State())(t)
	if state[0] != 1 || state[1] != 2 {
		t.Error(state)
	}
	for _, part := range must(r.Split(3))(t) {
		part.Close()
	}
	if err := r.SetState(state); err != nil {
		t.Error(err)
	}
}

func TestReportNamesTheOperatorsThatRan(t *testing.T) {
	minpy.DispatchReset()
	y := must(minpy.Exp(array(t, []float64{1})))(t)
	y.Close()
	report := must(minpy.DispatchReport())(t)
	if !json.Valid(report) || !strings.Contains(string(report), `"exp"`) {
		t.Error(string(report))
	}
}

func TestDevicesAreDescribed(t *testing.T) {
	if n := must(minpy.DeviceCount(minpy.KindCPU))(t); n != 1 {
		t.Error(n)
	}
	info := must(minpy.CPU.Info())(t)
	if !info.Available || info.Name == "" {
		t.Errorf("%+v", info)
	}
	if minpy.CUDA(1).String() != "cuda:1" || minpy.Version() == "" {
		t.Error(minpy.CUDA(1), minpy.Version())
	}
	if err := minpy.LoadBackend("/nowhere/libminpy_none.so"); err == nil {
		t.Error("a plugin that is not there was loaded")
	}
	if !json.Valid(must(minpy.BackendReport())(t)) {
		t.Error("no report")
	}
}

func TestMemoryBeyondTheLimitIsRefused(t *testing.T) {
	if err := minpy.SetMemoryLimit(1 << 20); err != nil {
		t.Fatal(err)
	}
	defer minpy.SetMemoryLimit(0)
	if _, err := minpy.FromSlice(make([]float64, 1<<20)); !errors.Is(err, minpy.ErrNoMemory) {
		t.Error(err)
	}
}

func TestAClosedContextIsAnError(t *testing.T) {
	c := must(minpy.NewContext(minpy.Training(true), minpy.WithPolicy(minpy.OnlyCPU, minpy.RefuseFallback)))(t)
	c.Close()
	if _, err := minpy.Add(1.0, 2.0, minpy.WithContext(c)); !errors.Is(err, minpy.ErrState) {
		t.Error(err)
	}
	if err := c.Scope(func(*minpy.Scope) error { return nil }); !errors.Is(err, minpy.ErrState) {
		t.Error(err)
	}
}
