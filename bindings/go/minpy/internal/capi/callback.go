// Package capi is the C API as SWIG wraps it (capi.go), with the little that needs cgo by hand.
package capi

/*
#cgo pkg-config: minpy
#cgo CFLAGS: -std=gnu11
#include <stdlib.h>
#include "shim.h"
*/
import "C"

import "unsafe"

// Callback runs a Go function for the library: set by package minpy at its start. It returns a status.
var Callback func(id uint64, which int32, args []Value, results []Value, n *int32) int32

//export minpyGoCallback
func minpyGoCallback(id C.uint64_t, which C.int32_t, args unsafe.Pointer, nArgs C.int32_t,
	results unsafe.Pointer, nResults *C.int32_t) C.int32_t {
	room := int(*nResults)
	return C.int32_t(Callback(uint64(id), int32(which), unsafe.Slice((*Value)(args), int(nArgs)),
		unsafe.Slice((*Value)(results), room), (*int32)(unsafe.Pointer(nResults))))
}

// TakeBuffer copies a buffer and releases it.
func TakeBuffer(buffer uintptr) []byte {
	b := *(*C.minpy_buffer)(unsafe.Pointer(&buffer)) // a C handle
	var size C.uint64_t
	data := C.minpy_buffer_data(b, &size)
	text := C.GoBytes(unsafe.Pointer(data), C.int(size))
	C.minpy_buffer_release(b)
	return text
}

// SetError sets the calling thread's error; for callbacks, which stay on their thread.
func SetError(code int32, kind, message string) {
	k, m := C.CString(kind), C.CString(message)
	C.minpy_error_set(C.minpy_status(code), k, m)
	C.free(unsafe.Pointer(k))
	C.free(unsafe.Pointer(m))
}

// Bytes is library memory as a slice.
func Bytes(data uintptr, n int64) []byte {
	return unsafe.Slice((*byte)(*(*unsafe.Pointer)(unsafe.Pointer(&data))), n)
}

// ErrorCode is the status in a detached error.
func ErrorCode(e uintptr) int32 {
	return int32(C.minpy_error_code(*(*C.minpy_error)(unsafe.Pointer(&e))))
}
