// The attributes of an array that are read often; the others are properties of minpy/_ndarray.py.
#include "face.h"

namespace minpy::face {
namespace {

PyObject* tuple_of(const int64_t* p, int32_t n) {
    PyObject* t = PyTuple_New(n);
    for (int32_t i = 0; t && i < n; i++) PyTuple_SET_ITEM(t, i, PyLong_FromLongLong(p[i]));
    return t;
}

PyObject* get_shape(PyObject* self, void*) {
    ArrayObject* a = with_facts(self);
    if (!a->shape_tuple) a->shape_tuple = tuple_of(a->shape, a->ndim);
    return Py_XNewRef(a->shape_tuple);
}
PyObject* get_strides(PyObject* self, void*) {
    ArrayObject* a = with_facts(self);
    return tuple_of(a->strides, a->ndim);
}
// x.shape = …: another window on the same memory, or NumPy's error.
int set_shape(PyObject* self, PyObject* value, void*) {
    PyObject* f = fallback_helper("window_of_shape");
    if (!value) {
        PyErr_SetString(PyExc_AttributeError, "Cannot delete array shape");
        return -1;
    }
    Ref window(f ? PyObject_CallFunctionObjArgs(f, self, value, nullptr) : nullptr);
    if (!window) return -1;
    minpy_array old = handle_of(self);
    as_array(self)->handle = minpy_array_retain(handle_of(window.get()));
    minpy_array_release(old);
    forget_facts(as_array(self));
    return 0;
}
PyObject* get_ndim(PyObject* self, void*) { return PyLong_FromLong(with_facts(self)->ndim); }
PyObject* get_size(PyObject* self, void*) { return PyLong_FromLongLong(with_facts(self)->size); }
PyObject* get_nbytes(PyObject* self, void*) { return PyLong_FromLongLong(with_facts(self)->nbytes); }
PyObject* get_itemsize(PyObject* self, void*) { return PyLong_FromLong(minpy_dtype_size(with_facts(self)->dtype)); }
PyObject* get_dtype(PyObject* self, void*) {
    return reinterpret_cast<PyObject*>(descr_of_dtype(with_facts(self)->dtype));
}
PyObject* get_base(PyObject* self, void*) {
    PyObject* base = as_array(self)->base;
    if (base && PyArray_CheckExact(base)) return array_from_numpy(base, false);
    return Py_NewRef(base ? base : Py_None);
}
PyObject* get_t(PyObject* self, void*) {
    static const minpy_op transpose = op_of(find_operator("transpose"));
    ShapeValues reversed;
    return reshaped(transpose, self, reversed, true);
}
// (flags of the library, readonly): for flags and context in Python.
PyObject* get_state(PyObject* self, void*) {
    minpy_array_info info = info_of(handle_of(self));
    return Py_BuildValue("IiiiKO", info.flags, as_array(self)->readonly, info.device.kind, info.device.index,
                         static_cast<unsigned long long>(info.storage),
                         as_array(self)->base ? as_array(self)->base : Py_None);
}
PyObject* get_readonly(PyObject* self, void*) {
    return PyBool_FromLong(as_array(self)->readonly || !(info_of(handle_of(self)).flags & MINPY_ARRAY_WRITEABLE));
}
int set_readonly(PyObject* self, PyObject* value, void*) {
    int truth = value ? PyObject_IsTrue(value) : 0;
    if (truth < 0) return -1;
    as_array(self)->readonly = truth;
    return 0;
}
int set_base(PyObject* self, PyObject* value, void*) {
    Py_XSETREF(as_array(self)->base, Py_XNewRef(value));
    return 0;
}

PyGetSetDef members[] = {{"shape", get_shape, set_shape, "Tuple of array dimensions.", nullptr},
                         {"strides", get_strides, nullptr, "Bytes to step in each dimension.", nullptr},
                         {"ndim", get_ndim, nullptr, "Number of dimensions.", nullptr},
                         {"size", get_size, nullptr, "Number of elements.", nullptr},
                         {"nbytes", get_nbytes, nullptr, "Bytes of all elements.", nullptr},
                         {"itemsize", get_itemsize, nullptr, "Bytes of one element.", nullptr},
                         {"dtype", get_dtype, nullptr, "NumPy's dtype object.", nullptr},
                         {"base", get_base, nullptr, "What the array is a view of, or None.", nullptr},
                         {"T", get_t, nullptr, "View of the transposed array.", nullptr},
                         {"_state", get_state, nullptr, nullptr, nullptr},
                         {"_readonly", get_readonly, set_readonly, nullptr, nullptr},
                         {"_base", get_base, set_base, nullptr, nullptr},
                         {nullptr, nullptr, nullptr, nullptr, nullptr}};

}  // namespace

bool install_members(PyTypeObject* type) {
    for (PyGetSetDef* def = members; def->name; def++) {
        Ref descriptor(PyDescr_NewGetSet(type, def));
        if (!descriptor || PyDict_SetItemString(type->tp_dict, def->name, descriptor.get()) < 0) return false;
    }
    PyType_Modified(type);
    return true;
}

}  // namespace minpy::face
