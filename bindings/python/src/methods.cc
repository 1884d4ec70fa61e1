// The methods of an array that are called often; the others are operators, or written in minpy/_ndarray.py.
#include <algorithm>
#include <numeric>

#include "face.h"

namespace minpy::face {

PyObject* python_number(const minpy_value& v) {
    float f;
    switch (v.len) {
        case MINPY_FLOAT64: return PyFloat_FromDouble(v.v.f);
        case MINPY_FLOAT32: memcpy(&f, &v.v, sizeof f); return PyFloat_FromDouble(static_cast<double>(f));
        case MINPY_BOOL: return PyBool_FromLong(v.v.bits & 1);
        case MINPY_INT64: return PyLong_FromLongLong(v.v.i);
        default: break;
    }
    Ref scalar(scalar_from_value(v));
    return scalar ? PyObject_CallMethod(scalar.get(), "item", nullptr) : nullptr;
}

// A view of `self`, or a copy where strides do not allow one: what a row for shapes gives for plain values.
PyObject* reshaped(minpy_op op, PyObject* self, ShapeValues& values, bool always_view) {
    minpy_value result;
    values.all[0] = pointer_value(MINPY_V_ARRAY, 0, handle_of(self));
    int32_t n = 1;
    // A view is no work: other threads are let run where elements may be copied.
    minpy_status status = run(always_view ? 0 : with_facts(self)->size,
                              [&] { return minpy_invoke(op, values.all, values.n, nullptr, &result, &n); });
    if (status) return raise_status(status);
    auto got = static_cast<minpy_array>(const_cast<void*>(result.v.p));
    bool view = always_view || info_of(got).storage == info_of(handle_of(self)).storage;
    return view ? wrap_window(got, self) : wrap_array(got);
}

namespace {

// _become(other): the array takes the other's memory and shape.
PyObject* become(PyObject* self, PyObject* other) {
    if (!is_array(other)) return PyErr_Format(PyExc_TypeError, "an array is needed");
    minpy_array old = handle_of(self);
    as_array(self)->handle = minpy_array_retain(handle_of(other));
    minpy_array_release(old);
    forget_facts(as_array(self));
    Py_RETURN_NONE;
}

// item(), item(i), item(i, j): an element; the rest is NumPy's.
PyObject* item(PyObject* self, PyObject* const* args, Py_ssize_t n) {
    PlainIndex index;
    int ndim = with_facts(self)->ndim;
    bool plain = ndim <= PlainIndex::kMost && (n == ndim || (n == 0 && as_array(self)->size == 1));
    for (int i = 0; plain && i < ndim; i++) {
        index.values[i] = {MINPY_V_INT, 0, {0}};
        plain = n == 0 || (PyLong_CheckExact(args[i]) && int_value(args[i], &index.values[i].v.i));
    }
    minpy_value element;
    if (plain && minpy_array_element(handle_of(self), index.values, ndim, &element)) return python_number(element);
    Ref view(numpy_view(self));
    Ref method(view ? PyObject_GetAttrString(view.get(), "item") : nullptr);
    return method ? PyObject_Vectorcall(method.get(), args, static_cast<size_t>(n), nullptr) : nullptr;
}
PyObject* tolist(PyObject* self, PyObject*) {
    Ref view(numpy_view(self));
    return view ? PyObject_CallMethod(view.get(), "tolist", nullptr) : nullptr;
}

// The function of that operator, called with `self` first; what it gives of self's memory remembers that.
PyObject* by_operator(PyObject* op, PyObject* self, PyObject* const* args, Py_ssize_t n, PyObject* kwnames) {
    PyObject* stack[8] = {self};
    Py_ssize_t given = n + (kwnames ? PyTuple_GET_SIZE(kwnames) : 0);
    if (given > 7) return PyErr_Format(PyExc_TypeError, "too many arguments");
    std::copy(args, args + given, stack + 1);
    PyObject* result = PyObject_Vectorcall(op, stack, static_cast<size_t>(n + 1), kwnames);
    if (result && is_exact_array(result) && result != self && !as_array(result)->base &&
        info_of(handle_of(result)).storage == info_of(handle_of(self)).storage) {
        as_array(result)->base = Py_NewRef(as_array(self)->base ? as_array(self)->base : self);
        as_array(result)->readonly = as_array(self)->readonly;
    }
    return result;
}

// x.reshape(2, 3) and x.reshape((2, 3)); x.transpose(1, 0) and x.transpose((1, 0)).
PyObject* with_ints(PyObject* op, PyObject* self, PyObject* const* args, Py_ssize_t n, PyObject* kwnames,
                    bool always_view) {
    if (n > 0 && !kwnames) {
        PlainValues plain;
        ShapeValues values;
        minpy_value* ints = values.ints();
        if (n > 1 ? plain.add_ints(args, n, ints) : args[0] != Py_None && plain.add(args[0], MINPY_PARAM_INTS, ints))
            return reshaped(op_of(op), self, values, always_view || with_facts(self)->contiguous);
    }
    if (n <= 1) return by_operator(op, self, args, n, kwnames);
    Ref packed(PyTuple_New(n));
    if (!packed) return nullptr;
    for (Py_ssize_t i = 0; i < n; i++) PyTuple_SET_ITEM(packed.get(), i, Py_NewRef(args[i]));
    PyObject* stack[7] = {packed.get()};
    Py_ssize_t n_keywords = kwnames ? PyTuple_GET_SIZE(kwnames) : 0;
    if (n_keywords > 6) return PyErr_Format(PyExc_TypeError, "too many keyword arguments");
    std::copy(args + n, args + n + n_keywords, stack + 1);
    return by_operator(op, self, stack, 1, kwnames);
}
PyObject* reshape(PyObject* self, PyObject* const* args, Py_ssize_t n, PyObject* kwnames) {
    static PyObject* const op = find_operator("reshape");
    return with_ints(op, self, args, n, kwnames, false);
}
PyObject* transpose(PyObject* self, PyObject* const* args, Py_ssize_t n, PyObject* kwnames) {
    static PyObject* const op = find_operator("transpose");
    return with_ints(op, self, args, n, kwnames, true);
}
PyObject* squeeze(PyObject* self, PyObject* const* args, Py_ssize_t n, PyObject* kwnames) {
    ArrayObject* a = with_facts(self);
    if (n == 0 && !kwnames && a->contiguous) {
        static const minpy_op op = op_of(find_operator("reshape"));
        int64_t shape[64];
        size_t kept = static_cast<size_t>(
            std::copy_if(a->shape, a->shape + a->ndim, shape, [](int64_t s) { return s != 1; }) - shape);
        ShapeValues values({shape, kept});
        return reshaped(op, self, values, true);
    }
    static PyObject* const op = find_operator("squeeze");
    return by_operator(op, self, args, n, kwnames);
}
PyObject* swapaxes(PyObject* self, PyObject* const* args, Py_ssize_t n, PyObject* kwnames) {
    int ndim = with_facts(self)->ndim;
    int64_t axes[2] = {-1, -1};
    for (int i = 0; i < 2 && n == 2 && !kwnames; i++)
        if (PyLong_CheckExact(args[i]) && int_value(args[i], &axes[i]) && axes[i] < 0) axes[i] += ndim;
    if (axes[0] >= 0 && axes[1] >= 0 && axes[0] < ndim && axes[1] < ndim) {
        static const minpy_op op = op_of(find_operator("transpose"));
        int64_t order[64];
        std::iota(order, order + ndim, 0);
        std::swap(order[axes[0]], order[axes[1]]);
        ShapeValues values({order, static_cast<size_t>(ndim)});
        return reshaped(op, self, values, true);
    }
    static PyObject* const op = find_operator("swapaxes");
    return by_operator(op, self, args, n, kwnames);
}

// Methods as they mostly are called; with more arguments they are written in Python.
PyObject* in_python(const char* name, PyObject* self, PyObject* const* args, Py_ssize_t n, PyObject* kwnames) {
    Ref method(PyObject_GetAttrString(self, name));
    return method ? PyObject_Vectorcall(method.get(), args, static_cast<size_t>(n), kwnames) : nullptr;
}
PyObject* converted(minpy_op op, PyObject* self, minpy_dtype t) {
    minpy_value values[2] = {{MINPY_V_ARRAY, 0, {0}}, {MINPY_V_DTYPE, 0, {t}}}, result;
    values[0].v.p = handle_of(self);
    int32_t n = 1;
    minpy_status status =
        run(with_facts(self)->size, [&] { return minpy_invoke(op, values, t ? 2 : 1, nullptr, &result, &n); });
    if (status) return raise_status(status);
    if (check_fp("cast") < 0) {
        minpy_values_release(&result, n);
        return nullptr;
    }
    return wrap_array(static_cast<minpy_array>(const_cast<void*>(result.v.p)));
}
// The same for order 'K': as the elements lie in memory, and then a view with the axes put back.
PyObject* converted_in_place(minpy_op op, PyObject* self, minpy_dtype t) {
    ArrayObject* a = with_facts(self);
    if (a->contiguous || a->ndim < 2) return converted(op, self, t);
    int64_t axes[64], back[64];
    std::iota(axes, axes + a->ndim, 0);
    std::stable_sort(axes, axes + a->ndim,
                     [&](int64_t i, int64_t j) { return std::abs(a->strides[i]) > std::abs(a->strides[j]); });
    if (std::is_sorted(axes, axes + a->ndim)) return converted(op, self, t);
    for (int64_t i = 0; i < a->ndim; i++) back[axes[i]] = i;
    static const minpy_op transposed = op_of(find_operator("transpose"));
    size_t ndim = static_cast<size_t>(a->ndim);
    ShapeValues order({axes, ndim}), inverse({back, ndim});
    Ref lying(reshaped(transposed, self, order, true));
    Ref made(lying ? converted(op, lying.get(), t) : nullptr);
    PyObject* result = made ? reshaped(transposed, made.get(), inverse, true) : nullptr;
    if (result) Py_CLEAR(as_array(result)->base);  // nobody else has the memory
    return result;
}
PyObject* astype(PyObject* self, PyObject* const* args, Py_ssize_t n, PyObject* kwnames) {
    static const minpy_op op = op_of(find_operator("astype"));
    bool named = n == 0 && kwnames && PyTuple_GET_SIZE(kwnames) == 1 &&
                 PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(kwnames, 0), "dtype") == 0;
    minpy_dtype t = 0;
    if (named || (n == 1 && !kwnames)) {
        if (parse_dtype(args[0], &t) != 1) t = 0;
        PyErr_Clear();  // it is said again below
    }
    bool drops_imaginary = t > MINPY_BOOL && with_facts(self)->dtype >= MINPY_COMPLEX64 && t < MINPY_COMPLEX64;
    return t && !drops_imaginary ? converted_in_place(op, self, t) : in_python("_astype", self, args, n, kwnames);
}

}  // namespace

PyObject* copied(PyObject* self) {
    static const minpy_op op = op_of(find_operator("copy"));
    return converted(op, self, 0);
}

namespace {

PyObject* copy(PyObject* self, PyObject* const* args, Py_ssize_t n, PyObject* kwnames) {
    if (n == 0 && !kwnames) return copied(self);
    static const minpy_op op = op_of(find_operator("copy"));
    bool keeps = n == 1 && !kwnames && PyUnicode_Check(args[0]) && PyUnicode_CompareWithASCIIString(args[0], "K") == 0;
    return keeps ? converted_in_place(op, self, 0) : in_python("_copy", self, args, n, kwnames);
}
PyObject* raveled(PyObject* self) {
    static const minpy_op op = op_of(find_operator("reshape"));
    const int64_t all = -1;
    ShapeValues values({&all, 1});
    return reshaped(op, self, values, with_facts(self)->contiguous);
}
PyObject* ravel(PyObject* self, PyObject* const* args, Py_ssize_t n, PyObject* kwnames) {
    return n == 0 && !kwnames ? raveled(self) : in_python("_ravel", self, args, n, kwnames);
}
PyObject* flatten(PyObject* self, PyObject* const* args, Py_ssize_t n, PyObject* kwnames) {
    if (n || kwnames) return in_python("_flatten", self, args, n, kwnames);
    Ref flat(raveled(self));
    return flat && as_array(flat.get())->base ? copied(flat.get()) : flat.release();
}
PyObject* conjugate(PyObject* self, PyObject* const* args, Py_ssize_t n, PyObject* kwnames) {
    // Of real numbers it is the array itself, as in NumPy.
    if (n == 0 && !kwnames && with_facts(self)->dtype < MINPY_COMPLEX64) return Py_NewRef(self);
    static PyObject* const op = find_operator("conjugate");
    return by_operator(op, self, args, n, kwnames);
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
    {"ravel", method(ravel), METH_FASTCALL | METH_KEYWORDS,
     "ravel($self, order='C')\n--\n\nThe elements as one dimension, a view where possible."},
    {"flatten", method(flatten), METH_FASTCALL | METH_KEYWORDS,
     "flatten($self, order='C')\n--\n\nA copy of the array as one dimension."},
    {"squeeze", method(squeeze), METH_FASTCALL | METH_KEYWORDS,
     "squeeze($self, axis=None)\n--\n\nA view without axes of size one."},
    {"swapaxes", method(swapaxes), METH_FASTCALL | METH_KEYWORDS,
     "swapaxes($self, axis1, axis2)\n--\n\nA view with two axes exchanged."},
    {"conjugate", method(conjugate), METH_FASTCALL | METH_KEYWORDS, "The complex conjugate."},
    {"conj", method(conjugate), METH_FASTCALL | METH_KEYWORDS, "The complex conjugate."},
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

bool install_methods(PyTypeObject* type) { return define_methods(type, methods); }

}  // namespace minpy::face
