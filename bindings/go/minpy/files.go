package minpy

import (
	"runtime"
	"sort"
	"unsafe"

	"minpy/internal/capi"
)

func adoptNew(h uintptr, err error) (*Array, error) {
	if err != nil {
		return nil, err
	}
	return own(h), nil
}

// Load reads NumPy's npy file.
func Load(path string) (*Array, error) {
	var h uintptr
	err := check(capi.Minpy_npy_load(path, &h))
	return adoptNew(h, err)
}

// Save writes NumPy's npy file, whole or not at all.
func Save(path string, a *Array) error {
	h, err := a.handle()
	if err != nil {
		return err
	}
	defer runtime.KeepAlive(a)
	return check(capi.Minpy_npy_save(path, h))
}

// Encode is the array as the bytes of an npy file.
func (a *Array) Encode() ([]byte, error) {
	h, err := a.handle()
	if err != nil {
		return nil, err
	}
	var b uintptr
	err = check(capi.Minpy_npy_encode(h, &b))
	runtime.KeepAlive(a)
	if err != nil {
		return nil, err
	}
	return capi.TakeBuffer(b), nil
}

// Decode reads the bytes of an npy file.
func Decode(data []byte) (*Array, error) {
	if len(data) == 0 {
		data = []byte{0}[:0:1]
	}
	var h uintptr
	err := check(capi.Minpy_npy_decode(unsafe.Pointer(&data[:1][0]), uint64(len(data)), &h))
	return adoptNew(h, err)
}

// LoadZ reads the arrays of an npz file. The caller closes each.
func LoadZ(path string) (map[string]*Array, error) {
	var z uintptr
	if err := check(capi.Minpy_npz_open(path, &z)); err != nil {
		return nil, err
	}
	defer capi.Minpy_archive_release(z)
	arrays := map[string]*Array{}
	for i := 0; i < capi.Minpy_archive_count(z); i++ {
		name := capi.Minpy_archive_name(z, i)
		var h uintptr
		if err := check(capi.Minpy_archive_get(z, name, &h)); err != nil {
			for _, a := range arrays {
				a.Close()
			}
			return nil, err
		}
		arrays[name] = own(h)
	}
	return arrays, nil
}

// SaveZ writes an npz file, compressed if asked.
func SaveZ(path string, arrays map[string]*Array, compress bool) error {
	names, list := make([]string, 0, len(arrays)), make([]*Array, 0, len(arrays))
	for name := range arrays {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		list = append(list, arrays[name])
	}
	h, err := handles(list)
	if err != nil {
		return err
	}
	text := nameList(names)
	err = check(capi.Mg_npz_save(path, unsafe.Pointer(&text[0]), &append(h, 0)[0], len(list), uint(bit(compress))))
	runtime.KeepAlive(list)
	return err
}
