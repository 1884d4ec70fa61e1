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
// _become(other): the array takes the other's memory and shape.
PyObject* become(PyObject* self, PyObject* other) {
    if (!is_array(other)) return PyErr_Format(PyExc_TypeError, "an array is needed");
    minpy_array old = handle_of(self);
    as_array(self)->handle = minpy_array_retain(handle_of(other));
    minpy_array_release(old);
    forget_facts(as_array(self));
    Py_RETURN_NONE;
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
// A view of `self`, or a copy where strides do not allow one: what a row for shapes gives for plain values.
PyObject* reshaped(minpy_op op, PyObject* self, const minpy_value* ints, bool always_view) {
    minpy_value values[2] = {{MINPY_V_ARRAY, 0, {0}}, ints ? *ints : minpy_value{MINPY_V_DEFAULT, 0, {0}}}, result;
    values[0].v.p = handle_of(self);
    int32_t n = 1;
    // A view is no work: other threads are let run where elements may be copied.
    minpy_status status = run(always_view ? 0 : with_facts(self)->nbytes,
                              [&] { return minpy_invoke(op, values, ints ? 2 : 1, nullptr, &result, &n); });
    if (status) return raise_status(status);
    auto got = static_cast<minpy_array>(const_cast<void*>(result.v.p));
    bool view = always_view || !(info_of(got).flags & MINPY_ARRAY_OWNS_DATA);
    return view ? wrap_window(got, self) : wrap_array(got);
}
PyObject* get_t(PyObject* self, void*) {
    static const minpy_op transpose = op_of(find_operator("transpose"));
    return reshaped(transpose, self, nullptr, true);
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

// item() without arguments; the rest is Python's.
PyObject* item(PyObject* self, PyObject* const* args, Py_ssize_t n) {
    if (n == 0) {
        minpy_array_info info = info_of(handle_of(self));
        if (info.size == 1) {
            minpy_value v;
            minpy_status status = minpy_array_item(handle_of(self), &v);
            if (status) return raise_status(status);
            Ref scalar(scalar_from_value(v));
            minpy_values_release(&v, 1);
            return scalar ? PyObject_CallMethod(scalar.get(), "item", nullptr) : nullptr;
        }
    }
    Ref view(numpy_view(self));
    Ref method(view ? PyObject_GetAttrString(view.get(), "item") : nullptr);
    return method ? PyObject_Vectorcall(method.get(), args, static_cast<size_t>(n), nullptr) : nullptr;
}
PyObject* tolist(PyObject* self, PyObject*) {
    Ref view(numpy_view(self));
    return view ? PyObject_CallMethod(view.get(), "tolist", nullptr) : nullptr;
}

// x.reshape(2, 3) and x.reshape((2, 3)); x.transpose(1, 0) and x.transpose((1, 0)).
PyObject* with_ints(PyObject* op, PyObject* self, PyObject* const* args, Py_ssize_t n, PyObject* kwnames,
                    bool always_view) {
    if (n > 0 && !kwnames) {
        PlainValues plain;
        minpy_value ints;
        if (n > 1 ? plain.add_ints(args, n, &ints) : args[0] != Py_None && plain.add(args[0], MINPY_PARAM_INTS, &ints))
            return reshaped(op_of(op), self, &ints, always_view || with_facts(self)->contiguous);
    }
    Ref packed;
    PyObject* stack[8] = {self, nullptr};
    Py_ssize_t n_keywords = kwnames ? PyTuple_GET_SIZE(kwnames) : 0;
    if (n_keywords > 5) return PyErr_Format(PyExc_TypeError, "too many keyword arguments");
    Py_ssize_t given = 1;
    if (n == 1) {
        stack[given++] = args[0];
    } else if (n > 1) {
        packed = Ref(PyTuple_New(n));
        if (!packed) return nullptr;
        for (Py_ssize_t i = 0; i < n; i++) PyTuple_SET_ITEM(packed.get(), i, Py_NewRef(args[i]));
        stack[given++] = packed.get();
    }
    for (Py_ssize_t i = 0; i < n_keywords; i++) stack[given + i] = args[n + i];
    PyObject* result = PyObject_Vectorcall(op, stack, static_cast<size_t>(given), kwnames);
    if (result && is_exact_array(result) && result != self && !as_array(result)->base &&
        info_of(handle_of(result)).storage == info_of(handle_of(self)).storage) {
        as_array(result)->base = Py_NewRef(as_array(self)->base ? as_array(self)->base : self);
        as_array(result)->readonly = as_array(self)->readonly;
    }
    return result;
}
PyObject* reshape(PyObject* self, PyObject* const* args, Py_ssize_t n, PyObject* kwnames) {
    static PyObject* const op = find_operator("reshape");
    return with_ints(op, self, args, n, kwnames, false);
}
PyObject* transpose(PyObject* self, PyObject* const* args, Py_ssize_t n, PyObject* kwnames) {
    static PyObject* const op = find_operator("transpose");
    return with_ints(op, self, args, n, kwnames, true);
}
// x.astype(dtype) and x.copy() as they mostly are; with more arguments they are written in Python.
PyObject* in_python(const char* name, PyObject* self, PyObject* const* args, Py_ssize_t n, PyObject* kwnames) {
    Ref method(PyObject_GetAttrString(self, name));
    return method ? PyObject_Vectorcall(method.get(), args, static_cast<size_t>(n), kwnames) : nullptr;
}
PyObject* converted(minpy_op op, PyObject* self, minpy_dtype t) {
    minpy_value values[2] = {{MINPY_V_ARRAY, 0, {0}}, {MINPY_V_DTYPE, 0, {t}}}, result;
    values[0].v.p = handle_of(self);
    int32_t n = 1;
    minpy_status status =
        run(with_facts(self)->nbytes, [&] { return minpy_invoke(op, values, t ? 2 : 1, nullptr, &result, &n); });
    if (status) return raise_status(status);
    if (check_fp("cast") < 0) {
        minpy_values_release(&result, n);
        return nullptr;
    }
    return wrap_array(static_cast<minpy_array>(const_cast<void*>(result.v.p)));
}
PyObject* astype(PyObject* self, PyObject* const* args, Py_ssize_t n, PyObject* kwnames) {
    static const minpy_op op = op_of(find_operator("astype"));
    minpy_dtype t = n == 1 && !kwnames ? dtype_of_object(args[0]) : 0;
    bool drops_imaginary = t && with_facts(self)->dtype >= MINPY_COMPLEX64 && t < MINPY_COMPLEX64;
    return t && !drops_imaginary ? converted(op, self, t) : in_python("_astype", self, args, n, kwnames);
}
PyObject* copy(PyObject* self, PyObject* const* args, Py_ssize_t n, PyObject* kwnames) {
    static const minpy_op op = op_of(find_operator("copy"));
    return n == 0 && !kwnames ? converted(op, self, 0) : in_python("_copy", self, args, n, kwnames);
}
PyObject* dunder_complex(PyObject* self, PyObject*) {
    Ref scalar(PyObject_CallMethod(self, "item", nullptr));
    return scalar ? PyObject_CallOneArg(reinterpret_cast<PyObject*>(&PyComplex_Type), scalar.get()) : nullptr;
}

PyMethodDef methods[] = {
    {"item", method(item), METH_FASTCALL, "One element as a Python number."},
    {"_become", become, METH_O, nullptr},
    {"tolist", tolist, METH_NOARGS, "The elements as nested lists."},
    {"reshape", method(reshape), METH_FASTCALL | METH_KEYWORDS, "A view of another shape."},
    {"transpose", method(transpose), METH_FASTCALL | METH_KEYWORDS, "A view with axes permuted."},
    {"astype", method(astype), METH_FASTCALL | METH_KEYWORDS,
     "astype($self, dtype, order='K', casting='unsafe', subok=True, copy=True)\n--\n\n"
     "A copy with another dtype; the array itself where copy=False allows it."},
    {"copy", method(copy), METH_FASTCALL | METH_KEYWORDS, "copy($self, order='C')\n--\n\nA copy of the array."},
    {"__complex__", dunder_complex, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr}};

}  // namespace

bool define_methods(PyTypeObject* type, PyMethodDef* defs) {
    for (; defs->ml_name; defs++) {
        Ref descriptor(PyDescr_NewMethod(type, defs));
        if (!descriptor || PyDict_SetItemString(type->tp_dict, defs->ml_name, descriptor.get()) < 0) return false;
    }
    PyType_Modified(type);
    return true;
}

bool install_members(PyTypeObject* type) {
    for (PyGetSetDef* def = members; def->name; def++) {
        Ref descriptor(PyDescr_NewGetSet(type, def));
        if (!descriptor || PyDict_SetItemString(type->tp_dict, def->name, descriptor.get()) < 0) return false;
    }
    PyType_Modified(type);
    return define_methods(type, methods);
}

}  // namespace minpy::face
