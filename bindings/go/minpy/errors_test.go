package minpy_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"

	"minpy"
)

func TestErrorNamesOperatorShapesAndDtypes(t *testing.T) {
	_, err := minpy.Add(array(t, make([]float64, 6), 2, 3), array(t, make([]int64, 4)))
	var e *minpy.Error
	if !errors.Is(err, minpy.ErrShape) || errors.Is(err, minpy.ErrType) || !errors.As(err, &e) {
		t.Fatal(err)
	}
	want := "operands could not be broadcast together with shapes (2,3) (4,)"
	if strings.TrimSpace(e.Message) != want || e.Op != "add" || e.Kind != "ValueError" {
		t.Errorf("%+v", e)
	}
	if !strings.Contains(e.Error(), want) || !strings.Contains(e.Error(), "add") {
		t.Error(e)
	}
}

// A thousand goroutines on few threads, each failing in its own way and letting others run in between.
func TestEveryGoroutineGetsItsOwnError(t *testing.T) {
	var group sync.WaitGroup
	for i := 0; i < 1000; i++ {
		group.Add(1)
		go func(n int) {
			defer group.Done()
			a, err := minpy.FromSlice(make([]float64, n+2))
			if err != nil {
				t.Error(err)
				return
			}
			defer a.Close()
			b, err := minpy.FromSlice(make([]float64, n+3))
			if err != nil {
				t.Error(err)
				return
			}
			defer b.Close()
			want := fmt.Sprintf("(%d,) (%d,)", n+2, n+3)
			for j := 0; j < 10; j++ {
				_, err := minpy.Add(a, b)
				runtime.Gosched()
				if !errors.Is(err, minpy.ErrShape) || !strings.Contains(err.Error(), want) {
					t.Errorf("goroutine %d got %v", n, err)
				}
				runtime.Gosched()
			}
		}(i)
	}
	group.Wait()
}

func TestAnUnknownOperatorSaysWhatComesClose(t *testing.T) {
	_, err := minpy.Invoke("matmull", nil)
	if !errors.Is(err, minpy.ErrNotFound) || !strings.Contains(err.Error(), "matmul") {
		t.Error(err)
	}
}
