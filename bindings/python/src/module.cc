// What SWIG's module init calls: the array type gets its methods, the module its functions.
#define MINPY_FACE_MODULE
#include "face.h"

namespace minpy::face {
extern void* array_swig_type;
namespace {

// _extend(dict): attributes of ndarray that are written in Python. The type is static: assignment is not
// possible.
PyObject* extend(PyObject*, PyObject* attributes) {
    PyObject *key, *value;
    Py_ssize_t i = 0;
    while (PyDict_Next(attributes, &i, &key, &value))
        if (PyDict_SetItem(array_type->tp_dict, key, value) < 0) return nullptr;
    PyType_Modified(array_type);
    Py_RETURN_NONE;
}

// _dtype_known(dtype): whether arrays of the library have it.
PyObject* dtype_known(PyObject*, PyObject* o) {
    minpy_dtype t;
    int known = parse_dtype(o, &t);
    return known ? PyBool_FromLong(known > 0) : nullptr;
}

// _as_strided(a, dtype, shape, strides, offset): a window on a's storage.
PyObject* as_strided(PyObject*, PyObject* args) {
    PyObject *a, *dtype, *shape, *strides;
    long long offset = 0;
    if (!PyArg_ParseTuple(args, "O!OOO|L", array_type, &a, &dtype, &shape, &strides, &offset)) return nullptr;
    minpy_dtype t;
    if (parse_dtype(dtype, &t) != 1) {
        if (!PyErr_Occurred()) PyErr_SetString(PyExc_TypeError, "a dtype that arrays of NumPy only have");
        return nullptr;
    }
    int64_t dims[64], steps[64];
    Py_ssize_t n = PySequence_Size(shape);
    if (n < 0 || n > 64 || PySequence_Size(strides) != n) {
        if (!PyErr_Occurred()) PyErr_SetString(PyExc_ValueError, "shape and strides differ in length");
        return nullptr;
    }
    for (Py_ssize_t i = 0; i < n; i++) {
        Ref d(PySequence_GetItem(shape, i)), s(PySequence_GetItem(strides, i));
        dims[i] = d ? PyLong_AsLongLong(d.get()) : -1;
        steps[i] = s ? PyLong_AsLongLong(s.get()) : -1;
        if (PyErr_Occurred()) return nullptr;
    }
    minpy_array out = nullptr;
    minpy_status status = minpy_array_as_strided(handle_of(a), t, dims, steps, static_cast<int32_t>(n), offset, &out);
    if (status) return raise_status(status);
    PyObject* o = wrap_array(out, as_array(a)->base ? as_array(a)->base : a);
    if (o) as_array(o)->readonly = as_array(a)->readonly;
    return o;
}

// _to_device(a, device)
PyObject* to_device(PyObject*, PyObject* args) {
    PyObject *a, *where;
    minpy_device device;
    if (!PyArg_ParseTuple(args, "O!O", array_type, &a, &where) || !parse_device(where, &device)) return nullptr;
    minpy_array out = nullptr;
    minpy_status status =
        run(info_of(handle_of(a)).size, [&] { return minpy_array_to_device(handle_of(a), device, &out); });
    if (status) return raise_status(status);
    if (out == handle_of(a)) {
        minpy_array_release(out);
        return Py_NewRef(a);
    }
    return wrap_array(out);
}

// _as_type(a, cls): the same memory as an object of a subclass.
PyObject* as_type(PyObject*, PyObject* args) {
    PyObject *a, *cls;
    if (!PyArg_ParseTuple(args, "O!O!", array_type, &a, &PyType_Type, &cls)) return nullptr;
    auto* type = reinterpret_cast<PyTypeObject*>(cls);
    if (!PyType_IsSubtype(type, array_type))
        return PyErr_Format(PyExc_ValueError, "Type must be a sub-type of ndarray type");
    PyObject* o = type->tp_alloc(type, 0);
    if (!o) return nullptr;
    as_array(o)->handle = minpy_array_retain(handle_of(a));
    as_array(o)->swig_type = array_swig_type;
    as_array(o)->ndim = -1;
    as_array(o)->base = Py_NewRef(as_array(a)->base ? as_array(a)->base : a);
    as_array(o)->readonly = as_array(a)->readonly;
    return o;
}

PyObject* wait(PyObject*, PyObject* a) {
    if (!is_array(a)) return PyErr_Format(PyExc_TypeError, "an array is needed");
    minpy_status status = run(kLong, [&] { return minpy_array_wait(handle_of(a)); });
    if (status) return raise_status(status);
    return heard(Py_NewRef(Py_None));
}

PyMethodDef functions[] = {{"_extend", extend, METH_O, ""},
                           {"_as_strided", as_strided, METH_VARARGS, ""},
                           {"_to_device", to_device, METH_VARARGS, ""},
                           {"_dtype_known", dtype_known, METH_O, ""},
                           {"_as_type", as_type, METH_VARARGS, ""},
                           {"_wait", wait, METH_O, ""},
                           {nullptr, nullptr, 0, nullptr}};

}  // namespace
}  // namespace minpy::face

bool minpy_face_install(PyObject* module, PyTypeObject* type, void* swig_type) {
    using namespace minpy::face;
    if (PyArray_ImportNumPyAPI() < 0) return false;
    if (minpy_status status = minpy_initialize(MINPY_ABI_VERSION)) {
        install_errors(module);
        raise_status(status);
        return false;
    }
    type->tp_name = "minpy.ndarray";
    array_type = type;
    array_swig_type = swig_type;
    // SWIG's own object type is the base; its list methods are no part of an array.
    PyTypeObject* base = type->tp_base;
    for (const char* name : {"append", "next", "acquire", "disown", "own", "__int__", "__oct__", "__hex__"})
        if (PyDict_DelItemString(base->tp_dict, name) < 0) PyErr_Clear();
    PyType_Modified(base);
    return install_array_object(type) && install_errors(module) && install_deferral() && install_members(type) &&
           install_methods(type) && install_exchange(type, module) && install_operator(module) &&
           install_number_slots() && PyModule_AddFunctions(module, functions) == 0;
}
