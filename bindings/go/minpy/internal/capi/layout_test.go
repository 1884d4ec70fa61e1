package capi

import "testing"

func TestGoTwinsHaveTheSizesOfTheirCStructs(t *testing.T) {
	for i, size := range sizes {
		if c := Mg_sizeof(i); c != int(size) {
			t.Errorf("struct %d has %d bytes in C, %d in Go", i, c, size)
		}
	}
}
