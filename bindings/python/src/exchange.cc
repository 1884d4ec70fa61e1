// Memory shared with others: NumPy arrays both ways, the buffer protocol, __array_interface__, DLPack.
#include <algorithm>
#include <array>
#include <numeric>

#include "face.h"

struct DLManagedTensor;
struct DLManagedTensorVersioned;

namespace minpy::face {
namespace {

// On the CPU the array itself, from a device a copy; NULL with an exception.
minpy_array on_host(minpy_array a, const minpy_array_info& info) {
    if (info.device.kind == MINPY_CPU) return minpy_array_retain(a);
    minpy_array copy = nullptr;
    minpy_status status = run(info.size, [&] { return minpy_array_to_device(a, {MINPY_CPU, 0}, &copy); });
    if (status) raise_status(status);
    return copy;
}

int64_t product(const npy_intp* dims, int n) {
    return std::accumulate(dims, dims + n, int64_t{1}, std::multiplies<int64_t>());
}

// ---- DLPack's structures, as far as this file looks into them (version 1)
struct DLTensor {
    void* data;
    struct {
        int32_t device_type, device_id;
    } device;
    int32_t ndim;
    struct {
        uint8_t code, bits;
        uint16_t lanes;
    } dtype;
    int64_t *shape, *strides;
    uint64_t byte_offset;
};
struct Managed {
    DLTensor tensor;
    void* context;
    void (*deleter)(Managed*);
};
struct ManagedVersioned {
    uint32_t major, minor;
    void* context;
    void (*deleter)(ManagedVersioned*);
    uint64_t flags;
    DLTensor tensor;
};

// The capsule keeps the Python object until it dies itself, as NumPy's does.
PyObject* keep(PyObject* capsule, PyObject* self) {
    if (capsule) PyCapsule_SetContext(capsule, Py_NewRef(self));
    return capsule;
}

void drop_capsule(PyObject* capsule) {
    PyObject *type, *value, *trace;
    PyErr_Fetch(&type, &value, &trace);
    Py_XDECREF(static_cast<PyObject*>(PyCapsule_GetContext(capsule)));
    if (PyCapsule_IsValid(capsule, "dltensor_versioned")) {
        auto* t = static_cast<ManagedVersioned*>(PyCapsule_GetPointer(capsule, "dltensor_versioned"));
        if (t->deleter) t->deleter(t);
    } else if (PyCapsule_IsValid(capsule, "dltensor")) {
        auto* t = static_cast<Managed*>(PyCapsule_GetPointer(capsule, "dltensor"));
        if (t->deleter) t->deleter(t);
    }
    PyErr_Restore(type, value, trace);
}

// __dlpack__(*, stream=None, max_version=None, dl_device=None, copy=None)
PyObject* array_dlpack(PyObject* self, PyObject* args, PyObject* kwargs) {
    static const char* names[] = {"stream", "max_version", "dl_device", "copy", nullptr};
    PyObject *stream = Py_None, *max_version = Py_None, *device = Py_None, *copy = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|$OOOO:__dlpack__", const_cast<char**>(names), &stream,
                                     &max_version, &device, &copy))
        return nullptr;
    minpy_array_info info = info_of(handle_of(self));
    if (info.device.kind == MINPY_CPU && stream != Py_None) {
        PyErr_SetString(PyExc_RuntimeError, "NumPy only supports stream=None.");
        return nullptr;
    }
    long major = 0, minor = 0;
    if (max_version != Py_None &&
        !(PyTuple_Check(max_version) && PyArg_ParseTuple(max_version, "ll", &major, &minor))) {
        if (!PyErr_Occurred() || PyErr_ExceptionMatches(PyExc_TypeError)) {
            PyErr_Clear();
            PyErr_SetString(PyExc_TypeError, "max_version must be None or a tuple with two elements.");
        }
        return nullptr;
    }
    bool must_copy = false;
    if (copy != Py_None) {
        int truth = PyObject_IsTrue(copy);
        if (truth < 0) return nullptr;
        must_copy = truth;
    }
    minpy_array source = minpy_array_retain(handle_of(self));
    if (device != Py_None) {
        int kind, index;
        if (!PyTuple_Check(device) || !PyArg_ParseTuple(device, "ii", &kind, &index)) {
            PyErr_Clear();
            PyErr_SetString(PyExc_TypeError, "dl_device must be None or a tuple of two ints");
            minpy_array_release(source);
            return nullptr;
        }
        if (kind != info.device.kind || index != info.device.index) {
            minpy_array moved = nullptr;
            if (copy == Py_False || kind != MINPY_CPU) {
                PyErr_SetString(PyExc_BufferError, "unsupported device requested");
                minpy_array_release(source);
                return nullptr;
            }
            minpy_status status = minpy_array_to_device(source, {kind, index}, &moved);
            minpy_array_release(source);
            if (status) return raise_status(status);
            source = moved;
        }
    }
    bool readonly = as_array(self)->readonly || !(info.flags & MINPY_ARRAY_WRITEABLE);
    PyObject* result = nullptr;
    if (major >= 1) {
        DLManagedTensorVersioned* t = nullptr;
        minpy_status status = minpy_array_to_dlpack(source, must_copy ? MINPY_DLPACK_COPY : 0, &t);
        if (status) {
            raise_status(status);
        } else {
            auto* m = reinterpret_cast<ManagedVersioned*>(t);
            if (readonly && !must_copy) m->flags |= 1;
            if (must_copy) m->flags |= 2;
            result = keep(PyCapsule_New(t, "dltensor_versioned", drop_capsule), self);
            if (!result && m->deleter) m->deleter(m);
        }
    } else if (readonly && !must_copy) {
        PyErr_SetString(PyExc_BufferError,
                        "Cannot export readonly array since signalling readonly is unsupported by DLPack (supported by "
                        "newer DLPack version).");
    } else {
        if (must_copy) {
            minpy_array fresh = nullptr;
            Ref view(numpy_view(self));
            if (view) fresh = copy_numpy(reinterpret_cast<PyArrayObject*>(view.get()));
            minpy_array_release(source);
            if (!fresh) return nullptr;
            source = fresh;
        }
        DLManagedTensor* t = nullptr;
        minpy_status status = minpy_array_to_dlpack_legacy(source, &t);
        if (status) {
            raise_status(status);
        } else {
            result = keep(PyCapsule_New(t, "dltensor", drop_capsule), self);
            auto* m = reinterpret_cast<Managed*>(t);
            if (!result && m->deleter) m->deleter(m);
        }
    }
    minpy_array_release(source);
    return result;
}

PyObject* array_dlpack_device(PyObject* self, PyObject*) {
    minpy_array_info info = info_of(handle_of(self));
    return Py_BuildValue("ii", info.device.kind, info.device.index);
}

// _from_dlpack_capsule(capsule): takes the tensor out of a capsule.
PyObject* from_capsule(PyObject*, PyObject* capsule) {
    minpy_array a = nullptr;
    bool readonly = false;
    if (PyCapsule_IsValid(capsule, "dltensor_versioned")) {
        void* t = PyCapsule_GetPointer(capsule, "dltensor_versioned");
        readonly = static_cast<ManagedVersioned*>(t)->flags & 1;
        minpy_status status = minpy_array_from_dlpack(static_cast<DLManagedTensorVersioned*>(t), &a);
        if (status) return raise_status(status);
        PyCapsule_SetName(capsule, "used_dltensor_versioned");
    } else if (PyCapsule_IsValid(capsule, "dltensor")) {
        void* t = PyCapsule_GetPointer(capsule, "dltensor");
        minpy_status status = minpy_array_from_dlpack_legacy(static_cast<DLManagedTensor*>(t), &a);
        if (status) return raise_status(status);
        PyCapsule_SetName(capsule, "used_dltensor");
        readonly = true;  // it cannot say whether it may be written: NumPy's caution
    } else {
        PyErr_SetString(PyExc_ValueError, "no unused DLPack capsule");
        return nullptr;
    }
    PyObject* o = wrap_array(a);
    if (o) as_array(o)->readonly = readonly;
    return o;
}

PyObject* array_dunder_array(PyObject* self, PyObject* args, PyObject* kwargs) {
    static const char* names[] = {"dtype", "copy", nullptr};
    PyObject *dtype = Py_None, *copy = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|OO:__array__", const_cast<char**>(names), &dtype, &copy))
        return nullptr;
    Ref view(numpy_view(self));
    if (!view) return nullptr;
    auto* a = reinterpret_cast<PyArrayObject*>(view.get());
    PyArray_Descr* wanted = nullptr;
    if (dtype != Py_None && !PyArray_DescrConverter(dtype, &wanted)) return nullptr;
    bool cast = wanted && !PyArray_EquivTypes(wanted, PyArray_DESCR(a));
    int truth = copy == Py_None ? 0 : PyObject_IsTrue(copy);
    if (truth < 0) return nullptr;
    if (copy != Py_None && !truth && cast) {
        Py_XDECREF(wanted);
        PyErr_SetString(PyExc_ValueError, "Unable to avoid copy while creating an array as requested.");
        return nullptr;
    }
    if (cast) return PyArray_CastToType(a, wanted, 0);
    Py_XDECREF(wanted);
    return truth ? reinterpret_cast<PyObject*>(PyArray_NewCopy(a, NPY_KEEPORDER)) : view.release();
}

// _holds_arrays(x): 0 if there are none of our arrays in nested tuples and lists, 1 if there are, 2 if a tape follows one.
int holds_arrays(PyObject* x, int depth) {
    if (is_array(x)) return minpy_array_is_traced(handle_of(x)) ? 2 : 1;
    if (!(PyList_Check(x) || PyTuple_Check(x)) || depth > 64) return 0;
    int most = 0;
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(x) && most < 2; i++)
        most = std::max(most, holds_arrays(PySequence_Fast_GET_ITEM(x, i), depth + 1));
    return most;
}
constexpr npy_intp kAdopted = 1 << 20;  // NumPy's memory is kept from here on
PyObject* python_holds_arrays(PyObject*, PyObject* x) { return PyLong_FromLong(holds_arrays(x, 0)); }

// New arrays live where the thread's context says.
PyObject* on_current_device(minpy_array owned) {
    minpy_context_info context = {};
    context.struct_size = sizeof context;
    if (minpy_context_get_info(nullptr, &context) == MINPY_OK && context.device.kind != MINPY_CPU &&
        context.device.kind != 0) {
        minpy_array moved = nullptr;
        minpy_status status = minpy_array_to_device(owned, context.device, &moved);
        minpy_array_release(owned);
        if (status) return raise_status(status);
        owned = moved;
    }
    return wrap_array(owned);
}

// A short list of floats, or one of ints, without NumPy; NULL without an exception if it is something else.
PyObject* from_short_list(PyObject* list) {
    constexpr Py_ssize_t kMost = 32;
    Py_ssize_t n = PySequence_Fast_GET_SIZE(list);
    if (n == 0 || n > kMost) return nullptr;
    PyObject** items = PySequence_Fast_ITEMS(list);
    int64_t ints[kMost];
    double floats[kMost];
    bool floating = PyFloat_CheckExact(items[0]);
    for (Py_ssize_t i = 0; i < n; i++) {
        if (floating && PyFloat_CheckExact(items[i])) floats[i] = PyFloat_AS_DOUBLE(items[i]);
        else if (floating || !PyLong_CheckExact(items[i]) || !int_value(items[i], &ints[i])) return nullptr;
    }
    minpy_array made = nullptr;
    int64_t shape = n;
    minpy_status status = minpy_array_from_host(floating ? static_cast<void*>(floats) : ints, &shape, nullptr, 1,
                                                floating ? MINPY_FLOAT64 : MINPY_INT64, {MINPY_CPU, 0}, &made);
    return status ? raise_status(status) : on_current_device(made);
}

// array(object, dtype=None, …): what is usual is made here, all else by the function in Python (`in_full`).
PyObject* in_full;
PyObject* set_array(PyObject*, PyObject* function) {
    Py_XSETREF(in_full, Py_NewRef(function));
    Py_RETURN_NONE;
}
PyObject* make_array(PyObject*, PyObject* const* args, Py_ssize_t n, PyObject* kwnames) {
    Py_ssize_t n_keywords = kwnames ? PyTuple_GET_SIZE(kwnames) : 0;
    PyObject* object = n ? args[0] : nullptr;
    if (n == 1 && !kwnames && is_exact_array(object) && with_facts(object)->contiguous) return copied(object);
    PyTypeObject* type = object ? Py_TYPE(object) : nullptr;
    if (n == 1 && !kwnames && (type == &PyList_Type || type == &PyTuple_Type)) {
        PyObject* made = from_short_list(object);
        if (made || PyErr_Occurred()) return made;
    }
    bool usual = n >= 1 && n + n_keywords <= 2 &&
                 (n_keywords == 0 || PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(kwnames, 0), "dtype") == 0) &&
                 (type == &PyFloat_Type || type == &PyLong_Type || type == &PyArray_Type ||
                  ((type == &PyList_Type || type == &PyTuple_Type) && holds_arrays(object, 0) == 0));
    PyArray_Descr* dtype = nullptr;
    if (usual && n + n_keywords == 2) {
        if (PyUnicode_Check(args[1])) usual = PyUnicode_CompareWithASCIIString(args[1], "bfloat16") != 0;
        if (usual && !PyArray_DescrConverter2(args[1], &dtype)) return nullptr;
    }
    if (!usual) return PyObject_Vectorcall(in_full, args, static_cast<size_t>(n), kwnames);
    bool fresh = type != &PyArray_Type ||
                 (dtype && !PyArray_EquivTypes(dtype, PyArray_DESCR(reinterpret_cast<PyArrayObject*>(object))));
    Ref numpy(PyArray_FromAny(object, dtype, 0, 0, NPY_ARRAY_FORCECAST, nullptr));
    if (!numpy) return nullptr;
    auto* a = reinterpret_cast<PyArrayObject*>(numpy.get());
    if (!dtype_of_descr(PyArray_DESCR(a)))
        return numpy.get() == object ? PyArray_NewCopy(a, NPY_KEEPORDER) : numpy.release();
    // Small arrays move into memory of our own: nobody else can write there, so a tape has to copy nothing.
    return array_from_numpy(numpy.get(), !fresh || PyArray_NBYTES(a) <= kAdopted);
}

// _from_numpy(a, copy=False): ours if the dtype is one of the library's, else the same object.
PyObject* from_numpy(PyObject*, PyObject* args) {
    PyObject* a;
    int copy = 0;
    if (!PyArg_ParseTuple(args, "O|p", &a, &copy)) return nullptr;
    return array_from_numpy(a, copy);
}

PyMethodDef array_methods[] = {{"__array__", method(array_dunder_array), METH_VARARGS | METH_KEYWORDS,
                                "__array__(dtype=None, copy=None): a NumPy array on the same memory."},
                               {"__dlpack__", method(array_dlpack), METH_VARARGS | METH_KEYWORDS, "A DLPack capsule."},
                               {"__dlpack_device__", array_dlpack_device, METH_NOARGS, "(device type, device id)."},
                               {"asnumpy", [](PyObject* self, PyObject*) { return numpy_view(self); }, METH_NOARGS,
                                "A NumPy array on the same memory; from a device, a copy."},
                               {nullptr, nullptr, 0, nullptr}};

PyMethodDef module_methods[] = {
    {"_from_numpy", from_numpy, METH_VARARGS, ""},
    {"_set_array", set_array, METH_O, ""},
    {"array", method(make_array), METH_FASTCALL | METH_KEYWORDS,
     "array(object, dtype=None, *, copy=True, order='K', subok=False, ndmin=0, ndmax=0, like=None, device=None)\n"
     "--\n\nCreates an array; a copy unless `copy` says otherwise."},
    {"_holds_arrays", python_holds_arrays, METH_O, ""},
    {"_from_dlpack_capsule", from_capsule, METH_O, ""},
    {"_numpy_view", [](PyObject*, PyObject* a) { return numpy_view(a); }, METH_O, ""},
    {nullptr, nullptr, 0, nullptr}};

}  // namespace

PyObject* numpy_view(PyObject* array) {
    minpy_array_info info = info_of(handle_of(array));
    PyArray_Descr* descr = descr_of_dtype(info.dtype);
    if (!descr) return nullptr;
    if (info.device.kind != MINPY_CPU) {
        minpy_array host = on_host(handle_of(array), info);
        Ref owner(host ? wrap_array(host) : nullptr);
        if (!owner) {
            Py_DECREF(descr);
            return nullptr;
        }
        PyObject* view = numpy_view(owner.get());
        Py_DECREF(descr);
        return view;
    }
    void* data;
    minpy_status status = run(info.size, [&] { return minpy_array_data(handle_of(array), &data); });
    if (status) {
        Py_DECREF(descr);
        return raise_status(status);
    }
    info = info_of(handle_of(array));  // evaluation may have settled the layout
    npy_intp dims[64], strides[64];
    std::copy(info.shape, info.shape + info.ndim, dims);
    std::copy(info.strides, info.strides + info.ndim, strides);
    static char nothing[16];
    bool writeable = (info.flags & MINPY_ARRAY_WRITEABLE) && !as_array(array)->readonly;
    PyObject* view = PyArray_NewFromDescr(&PyArray_Type, descr, info.ndim, dims, strides, data ? data : nothing,
                                          writeable ? NPY_ARRAY_WRITEABLE : 0, nullptr);
    if (!view) return nullptr;
    auto* a = reinterpret_cast<PyArrayObject*>(view);
    PyArray_UpdateFlags(a, NPY_ARRAY_C_CONTIGUOUS | NPY_ARRAY_F_CONTIGUOUS | NPY_ARRAY_ALIGNED);
    Py_INCREF(array);
    if (PyArray_SetBaseObject(a, array) < 0) {
        Py_DECREF(view);
        return nullptr;
    }
    return heard(view);
}

minpy_array borrow_numpy(PyArrayObject* a) {
    minpy_dtype dtype = dtype_of_descr(PyArray_DESCR(a));
    if (!dtype) {
        PyErr_Format(PyExc_TypeError, "arrays of dtype %R stay NumPy's", PyArray_DESCR(a));
        return nullptr;
    }
    if (!PyArray_ISALIGNED(a)) return copy_numpy(a);
    int64_t shape[64], strides[64];
    int n = PyArray_NDIM(a);
    std::copy(PyArray_DIMS(a), PyArray_DIMS(a) + n, shape);
    std::copy(PyArray_STRIDES(a), PyArray_STRIDES(a) + n, strides);
    minpy_array out = nullptr;
    Py_INCREF(a);
    minpy_status status =
        minpy_array_borrow(PyArray_DATA(a), shape, strides, n, dtype, {MINPY_CPU, 0},
                           PyArray_ISWRITEABLE(a) ? 0 : MINPY_BORROW_READONLY, a, release_later, &out);
    if (status) raise_status(status);
    return out;
}

minpy_array copy_numpy(PyArrayObject* a) {
    minpy_dtype dtype = dtype_of_descr(PyArray_DESCR(a));
    if (!dtype) {
        PyErr_Format(PyExc_TypeError, "arrays of dtype %R stay NumPy's", PyArray_DESCR(a));
        return nullptr;
    }
    int n = PyArray_NDIM(a);
    int64_t shape[64], strides[64];
    std::copy(PyArray_DIMS(a), PyArray_DIMS(a) + n, shape);
    std::copy(PyArray_STRIDES(a), PyArray_STRIDES(a) + n, strides);
    minpy_array out = nullptr;
    int64_t size = product(PyArray_DIMS(a), n);
    if (PyArray_ISCARRAY_RO(a) || n < 2 || size == 0) {
        minpy_status status = run(size, [&] {
            return minpy_array_from_host(PyArray_DATA(a), shape, strides, n, dtype, {MINPY_CPU, 0}, &out);
        });
        if (status) raise_status(status);
        return out;
    }
    // The copy keeps the order of the axes in memory, as NumPy's order='K' does: C order over sorted axes,
    // seen through a view with the axes put back.
    std::array<int, 64> order;
    std::iota(order.begin(), order.begin() + n, 0);
    std::stable_sort(order.begin(), order.begin() + n,
                     [&](int i, int j) { return std::abs(strides[i]) > std::abs(strides[j]); });
    int64_t sorted_shape[64], sorted_strides[64];
    for (int i = 0; i < n; i++) {
        sorted_shape[i] = shape[order[i]];
        sorted_strides[i] = strides[order[i]];
    }
    minpy_array sorted = nullptr;
    minpy_status status = run(size, [&] {
        return minpy_array_from_host(PyArray_DATA(a), sorted_shape, sorted_strides, n, dtype, {MINPY_CPU, 0}, &sorted);
    });
    if (status) {
        raise_status(status);
        return nullptr;
    }
    int64_t step = PyArray_ITEMSIZE(a), new_strides[64];
    for (int i = n; i-- > 0;) {
        new_strides[order[i]] = step;
        step *= sorted_shape[i];
    }
    status = minpy_array_as_strided(sorted, dtype, shape, new_strides, n, 0, &out);
    minpy_array_release(sorted);
    if (status) raise_status(status);
    return out;
}

PyObject* array_from_numpy(PyObject* o, bool copy) {
    if (!PyArray_CheckExact(o) || !dtype_of_descr(PyArray_DESCR(reinterpret_cast<PyArrayObject*>(o))))
        return Py_NewRef(o);
    auto* a = reinterpret_cast<PyArrayObject*>(o);
    // A view that NumPy made of one of our arrays keeps it as its base.
    PyObject* base = PyArray_BASE(a);
    while (base && PyArray_Check(base) && PyArray_BASE(reinterpret_cast<PyArrayObject*>(base)))
        base = PyArray_BASE(reinterpret_cast<PyArrayObject*>(base));
    minpy_array handle = copy ? copy_numpy(a) : borrow_numpy(a);
    if (!handle) return nullptr;
    if (copy) return on_current_device(handle);
    if (base && is_array(base)) return wrap_array(handle, as_array(base)->base ? as_array(base)->base : base);
    return wrap_array(handle, PyArray_BASE(a) ? PyArray_BASE(a) : nullptr);
}

int array_getbuffer(PyObject* self, Py_buffer* view, int flags) {
    // NumPy's own exporter knows every flag: the buffer is that of a view, which the view keeps alive.
    Ref numpy(numpy_view(self));
    if (!numpy) return -1;
    if (info_of(handle_of(self)).dtype == MINPY_BFLOAT16) {
        PyErr_SetString(PyExc_BufferError, "the buffer protocol has no format for bfloat16");
        return -1;
    }
    return PyObject_GetBuffer(numpy.get(), view, flags);
}

bool install_exchange(PyTypeObject* type, PyObject* module) {
    return define_methods(type, array_methods) && PyModule_AddFunctions(module, module_methods) == 0;
}

}  // namespace minpy::face

extern "C" int minpy_face_getbuffer(PyObject* self, Py_buffer* view, int flags) {
    return minpy::face::array_getbuffer(self, view, flags);
}
