// What most arguments are (numbers, arrays, short tuples, slices, dtypes) as values, parsed without memory of their own.
#include "face.h"

namespace minpy::face {

bool simple_number(PyObject* o, minpy_value* out) {
    PyTypeObject* t = Py_TYPE(o);
    if (t == &PyFloat_Type) {
        out->tag = MINPY_V_FLOAT;
        out->len = 0;
        out->v.f = PyFloat_AS_DOUBLE(o);
        return true;
    }
    if (t == &PyLong_Type) {
        out->tag = MINPY_V_INT;
        out->len = 0;
        return int_value(o, &out->v.i);
    }
    if (t == &PyBool_Type) {
        *out = value_of(MINPY_V_BOOL, o == Py_True);
        return true;
    }
    if (t == &PyDoubleArrType_Type) {
        out->tag = MINPY_V_SCALAR;
        out->len = MINPY_FLOAT64;
        out->v.f = PyArrayScalar_VAL(o, Double);
        return true;
    }
    return false;
}

bool PlainValues::add_ints(PyObject* const* items, Py_ssize_t n, minpy_value* out) {
    if (n > kInts - n_ints_) return false;
    int64_t* ints = ints_ + n_ints_;
    for (Py_ssize_t i = 0; i < n; i++) {
        if (!PyLong_CheckExact(items[i]) || !int_value(items[i], &ints[i])) return false;
    }
    n_ints_ += n;
    *out = pointer_value(MINPY_V_INTS, static_cast<size_t>(n), ints);
    return true;
}

bool PlainValues::add_arrays(PyObject* o, minpy_value* out) {
    // Of a tuple only: a list may lose its arrays to another thread.
    if (!PyTuple_CheckExact(o) || PyTuple_GET_SIZE(o) > kArrays - n_arrays_) return false;
    minpy_array* arrays = arrays_ + n_arrays_;
    Py_ssize_t n = PyTuple_GET_SIZE(o);
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject* item = PyTuple_GET_ITEM(o, i);
        if (!is_exact_array(item)) return false;
        elements_ += size_of_array(item);
        arrays[i] = handle_of(item);
    }
    n_arrays_ += n;
    *out = pointer_value(MINPY_V_ARRAYS, static_cast<size_t>(n), arrays);
    return true;
}

bool PlainValues::add(PyObject* o, int32_t kind, minpy_value* out) {
    if (o == Py_None) {
        *out = value_of(MINPY_V_NONE);
        return true;
    }
    switch (kind) {
        case MINPY_PARAM_ARRAY:
        case MINPY_PARAM_SCALAR:
            if (!is_exact_array(o)) return simple_number(o, out);
            elements_ += size_of_array(o);
            *out = pointer_value(MINPY_V_ARRAY, 0, handle_of(o));
            return true;
        case MINPY_PARAM_ARRAYS: return add_arrays(o, out);
        case MINPY_PARAM_BOOL: return PyBool_Check(o) && simple_number(o, out);
        case MINPY_PARAM_INT:
        case MINPY_PARAM_AXIS: return PyLong_CheckExact(o) && simple_number(o, out);
        case MINPY_PARAM_INTS:
        case MINPY_PARAM_AXES:
            if (PyLong_CheckExact(o)) return simple_number(o, out);
            return PyTuple_CheckExact(o) && add_ints(&PyTuple_GET_ITEM(o, 0), PyTuple_GET_SIZE(o), out);
        case MINPY_PARAM_FLOAT: return PyFloat_CheckExact(o) && simple_number(o, out);
        case MINPY_PARAM_DTYPE: {
            minpy_dtype t = dtype_of_object(o);
            *out = value_of(MINPY_V_DTYPE, t);
            return t != 0;
        }
        default: return false;
    }
}

bool PlainIndex::add(PyObject* o) {
    minpy_value& v = values[n];
    if (PyLong_CheckExact(o)) {
        n++;
        v = value_of(MINPY_V_INT);
        return int_value(o, &v.v.i);
    }
    all_ints = false;
    if (o == Py_None || o == Py_Ellipsis) {
        v = value_of(o == Py_None ? MINPY_V_NEWAXIS : MINPY_V_ELLIPSIS);
    } else if (PySlice_Check(o)) {
        if (!plain_slice(o, &slices[n])) return false;
        v = pointer_value(MINPY_V_SLICE, 0, &slices[n]);
    } else {
        return false;
    }
    n++;
    return true;
}

bool PlainIndex::parse(PyObject* key) {
    if (!PyTuple_CheckExact(key)) return add(key);
    Py_ssize_t count = PyTuple_GET_SIZE(key);
    if (count > kMost) return false;
    for (Py_ssize_t i = 0; i < count; i++)
        if (!add(PyTuple_GET_ITEM(key, i))) return false;
    return true;
}

}  // namespace minpy::face
