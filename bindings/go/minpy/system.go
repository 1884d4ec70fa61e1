package minpy

import (
	"bytes"
	"encoding/json"
	"unsafe"

	"minpy/internal/capi"
)

func text(call func(*uintptr) uint64) ([]byte, error) {
	var b uintptr
	if err := check(call(&b)); err != nil {
		return nil, err
	}
	return capi.TakeBuffer(b), nil
}

// DispatchReport says, as JSON, what ran where since the last reset: calls by operator and device, fallbacks with their
// reason, bytes moved, nanoseconds.
func DispatchReport() (json.RawMessage, error) { return text(capi.Minpy_dispatch_report) }

// DispatchReset empties the report.
func DispatchReset() { capi.Minpy_dispatch_reset() }

// Schema describes all operators as JSON.
func Schema() (json.RawMessage, error) { return text(capi.Minpy_op_list) }

// DeviceCount is the number of devices of a kind.
func DeviceCount(kind int) (int, error) {
	var n int32
	err := check(capi.Minpy_device_count(kind, &n))
	return int(n), err
}

// DeviceInfo describes a device.
type DeviceInfo struct {
	Available             bool
	Name, Backend         string
	TotalBytes, FreeBytes uint64
}

// Info describes the device.
func (d Device) Info() (DeviceInfo, error) {
	info := capi.DeviceInfo{StructSize: uint32(unsafe.Sizeof(capi.DeviceInfo{}))}
	err := check(capi.Minpy_device_get_info(d.code(), unsafe.Pointer(&info)))
	cut := func(b []byte) string { return string(b[:bytes.IndexByte(append(b, 0), 0)]) }
	return DeviceInfo{info.Available != 0, cut(info.Name[:]), cut(info.Backend[:]), info.TotalBytes, info.FreeBytes}, err
}

// Synchronize waits for all work on the device, with what went wrong.
func (d Device) Synchronize() error { return check(capi.Minpy_device_synchronize(d.code())) }

// MemoryStats are counts of a device's memory, in bytes, and of handles.
type MemoryStats struct {
	InUse, Cached, Peak, Limit, Allocs uint64
	LiveArrays, LiveHandles            uint64 // of all devices
}

// Memory counts the device's memory.
func (d Device) Memory() (MemoryStats, error) {
	m := capi.MemoryStats{StructSize: uint32(unsafe.Sizeof(capi.MemoryStats{}))}
	err := check(capi.Minpy_memory_get_stats(d.code(), unsafe.Pointer(&m)))
	return MemoryStats{m.InUse, m.Cached, m.Peak, m.Limit, m.NAllocs, m.LiveArrays, m.LiveHandles}, err
}

// Trim gives cached memory back until at most keep bytes are cached.
func (d Device) Trim(keep uint64) error { return check(capi.Minpy_memory_trim(d.code(), keep)) }

// SetMemoryLimit sets the bytes that arrays on the CPU may take, with what is kept for reuse; 0 is no limit.
func SetMemoryLimit(bytes uint64) error { return check(capi.Minpy_memory_set_limit(CPU.code(), bytes)) }

// LoadBackend loads a plugin by its absolute path.
func LoadBackend(path string) error { return check(capi.Minpy_backend_load(path)) }

// BackendReport says, as JSON, which plugins were tried, loaded and refused, and why.
func BackendReport() (json.RawMessage, error) { return text(capi.Minpy_backend_report) }

// ProfilerStart begins to record every call.
func ProfilerStart() error { return check(capi.Minpy_profiler_start(0)) }

// ProfilerStop ends it and gives Chrome's trace JSON.
func ProfilerStop() (json.RawMessage, error) { return text(capi.Minpy_profiler_stop) }
