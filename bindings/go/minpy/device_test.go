package minpy_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"minpy"
)

// simulated is the device that the build makes for tests: memory that the host cannot touch, and few kernels.
func simulated(t *testing.T) minpy.Device {
	t.Helper()
	path := filepath.Join(os.Getenv("MINPY_BUILD"), "lib/test-backends/libminpy_simdev.so")
	if _, err := os.Stat(path); err != nil {
		t.Skip("the simulated device is in the build tree: tools/env go test")
	}
	absolute := must(filepath.Abs(path))(t)
	if n := must(minpy.DeviceCount(minpy.KindExtension))(t); n == 0 {
		if err := minpy.LoadBackend(absolute); err != nil {
			t.Fatal(err)
		}
	}
	return minpy.Device{Kind: minpy.KindExtension, Index: 0}
}

func TestAScopeOnADeviceComputesThereAndFallsBackWhereItMust(t *testing.T) {
	device := simulated(t)
	c := must(minpy.NewContext(minpy.OnDevice(device)))(t)
	defer c.Close()
	minpy.DispatchReset()
	err := c.Scope(func(s *minpy.Scope) error {
		host := s.Own(minpy.FromSlice([]float64{1, 2, 4}))
		x := s.Own(host.To(device))
		if x.Device() != device {
			t.Error(x.Device())
		}
		y := s.Log(s.Multiply(x, x)) // the device has multiply, and no log
		if y.Device() != device {
			t.Error(y.Device())
		}
		grads := s.Grad(func(s *minpy.Scope, x ...*minpy.Array) *minpy.Array { return s.Sum(s.Log(x[0])) }, x)
		equal(t, grads[0], 1.0, 0.5, 0.25)
		return s.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	if report := string(must(minpy.DispatchReport())(t)); !strings.Contains(report, "no_kernel") {
		t.Error(report)
	}
}

func TestAFallbackCanBeRefusedByContext(t *testing.T) {
	device := simulated(t)
	c := must(minpy.NewContext(minpy.OnDevice(device), minpy.WithPolicy(minpy.PreferDevice, minpy.RefuseFallback)))(t)
	defer c.Close()
	host := array(t, []float64{1, 2})
	x := must(host.To(device))(t)
	defer x.Close()
	y := must(minpy.Add(x, x, minpy.WithContext(c)))(t)
	defer y.Close()
	equal(t, y, 2.0, 4.0)
	if _, err := minpy.Log(x, minpy.WithContext(c)); !errors.Is(err, minpy.ErrUnsupported) {
		t.Error(err)
	}
	if z, err := minpy.Log(x); err != nil { // another context is not concerned
		t.Error(err)
	} else {
		z.Close()
	}
}
