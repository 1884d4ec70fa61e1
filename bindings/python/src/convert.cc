// Python objects as minpy_value. Python's own numbers stay weak, NumPy's scalars are strong (NEP 50); NumPy
// arrays are lent without a copy; lists go through NumPy. What NumPy may know and the library does not is
// `foreign`.
#include <algorithm>

#include "tape.h"

namespace minpy::face {
namespace {

bool is_no_value(PyObject* o) {
    static PyObject* no_value;
    if (!no_value) {
        Ref numpy(PyImport_ImportModule("numpy"));
        no_value = numpy ? PyObject_GetAttrString(numpy.get(), "_NoValue") : nullptr;
        if (!no_value) PyErr_Clear();
    }
    return o == no_value;
}

bool is_sequence(PyObject* o) { return PyTuple_Check(o) || PyList_Check(o); }

// NumPy's array of any object; __array__ may also give one of ours, which NumPy refuses.
PyObject* from_any(PyObject* o) {
    PyObject* numpy = PyArray_FromAny(o, nullptr, 0, 0, 0, nullptr);
    if (numpy || is_sequence(o)) return numpy;
    PyObject *type, *value, *trace;
    PyErr_Fetch(&type, &value, &trace);
    Ref ours(PyObject_CallMethod(o, "__array__", nullptr));
    if (!ours || !is_array(ours.get())) {
        PyErr_Clear();
        PyErr_Restore(type, value, trace);
        return nullptr;
    }
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(trace);
    return ours.release();
}

}  // namespace

Arguments::~Arguments() {
    for (minpy_array a : owned_) minpy_array_release(a);
    for (PyObject* o : held_) Py_DECREF(o);
}

Converted Arguments::number(PyObject* o, minpy_value* out) {
    if (simple_number(o, out)) return Converted::ok;
    if (PyArray_IsScalar(o, Generic)) {
        PyArray_Descr* d = PyArray_DescrFromScalar(o);
        minpy_dtype t = dtype_of_descr(d);
        Py_DECREF(d);
        if (!t) return Converted::foreign;
        out->tag = MINPY_V_SCALAR;
        out->len = t;
        out->v.bits = 0;
        if (t == MINPY_COMPLEX128) {
            auto& pair = float_lists_.emplace_back(2);
            PyArray_ScalarAsCtype(o, pair.data());
            out->v.p = pair.data();
        } else {
            PyArray_ScalarAsCtype(o, &out->v.bits);
        }
        return Converted::ok;
    }
    if (PyLong_CheckExact(o)) {  // beyond 64 bits
        unsigned long long u = PyLong_AsUnsignedLongLong(o);
        if (!PyErr_Occurred()) {
            *out = value_of(MINPY_V_UINT, static_cast<int64_t>(u));
            return Converted::ok;
        }
        PyErr_Clear();
        PyObject* text = PyObject_Str(o);
        if (!text) return Converted::error;
        Py_ssize_t n;
        const char* p = PyUnicode_AsUTF8AndSize(hold(text), &n);
        *out = pointer_value(MINPY_V_BIGINT, static_cast<size_t>(n), p);
        return p ? Converted::ok : Converted::error;
    }
    if (PyComplex_CheckExact(o)) {
        auto& pair = float_lists_.emplace_back(2);
        pair = {PyComplex_RealAsDouble(o), PyComplex_ImagAsDouble(o)};
        *out = pointer_value(MINPY_V_COMPLEX, 0, pair.data());
        return Converted::ok;
    }
    // Subclasses of int, float, complex, bool: as NumPy, weak like their parents.
    if (PyFloat_Check(o)) {
        out->tag = MINPY_V_FLOAT;
        out->len = 0;
        out->v.f = PyFloat_AS_DOUBLE(o);
        return Converted::ok;
    }
    if (PyLong_Check(o)) {
        PyObject* plain = PyNumber_Index(o);
        if (!plain) return Converted::error;
        Ref exact(PyLong_CheckExact(plain) ? plain : _PyLong_Copy(reinterpret_cast<PyLongObject*>(plain)));
        if (exact.get() != plain) Py_DECREF(plain);
        return number(exact.get(), out);
    }
    if (PyComplex_Check(o)) {
        Ref plain(PyComplex_FromDoubles(PyComplex_RealAsDouble(o), PyComplex_ImagAsDouble(o)));
        return number(plain.get(), out);
    }
    return Converted::foreign;
}

Converted Arguments::array(PyObject* o, minpy_value* out, bool must_be_array) {
    if (is_array(o)) {
        count(o);
        *out = pointer_value(MINPY_V_ARRAY, 0, handle_of(o));
        return Converted::ok;
    }
    if (!must_be_array && (PyArray_IsScalar(o, Generic) || PyFloat_Check(o) || PyLong_Check(o) || PyComplex_Check(o)))
        return number(o, out);
    PyObject* numpy;
    if (PyArray_Check(o)) {
        if (!PyArray_CheckExact(o)) return Converted::foreign;  // masked arrays, matrices, records: NumPy's business
        numpy = Py_NewRef(o);
    } else {
        if (o == Py_None || PyUnicode_Check(o) || PyBytes_Check(o) || PyDict_Check(o) || PyAnySet_Check(o))
            return Converted::foreign;
        // A list that holds our arrays: NumPy would cut them off their tape.
        if (is_sequence(o)) {
            Ref list(PySequence_Fast(o, ""));
            Py_ssize_t n = PySequence_Fast_GET_SIZE(list.get());
            bool ours = false;
            for (Py_ssize_t i = 0; i < n && !ours; i++) {
                PyObject* item = PySequence_Fast_GET_ITEM(list.get(), i);
                ours = is_array(item) && minpy_array_is_traced(handle_of(item));
            }
            if (ours) {
                static PyObject* stack;
                if (!stack) stack = find_operator("stack");
                if (stack) {
                    PyObject* stacked = PyObject_CallOneArg(stack, o);
                    if (!stacked) return Converted::error;
                    return array(hold(stacked), out);
                }
            }
        }
        numpy = from_any(o);
        if (!numpy) return Converted::error;
        if (is_array(numpy)) return array(hold(numpy), out, must_be_array);
    }
    hold(numpy);
    auto* a = reinterpret_cast<PyArrayObject*>(numpy);
    if (!dtype_of_descr(PyArray_DESCR(a))) return Converted::foreign;
    minpy_array handle = borrow_numpy(a);
    if (!handle) return Converted::error;
    own(handle);
    elements_ += PyArray_SIZE(a);
    *out = pointer_value(MINPY_V_ARRAY, 0, handle);
    return Converted::ok;
}

Converted Arguments::arrays(PyObject* o, minpy_value* out) {
    Ref list;
    if (!PySequence_Check(o)) return Converted::foreign;  // generators: NumPy refuses them
    if (is_array(o) || PyArray_Check(o)) {
        list = Ref(PySequence_List(o));
        if (!list) {
            PyErr_Clear();
            return Converted::foreign;
        }
    } else {
        // A tuple of its own: a list may lose its arrays to another thread while the call runs.
        list = Ref(PySequence_Tuple(o));
        if (!list) return Converted::error;
    }
    Py_ssize_t n = PySequence_Fast_GET_SIZE(list.get());
    auto& handles = array_lists_.emplace_back();
    for (Py_ssize_t i = 0; i < n; i++) {
        minpy_value v;
        Converted done = array(PySequence_Fast_GET_ITEM(list.get(), i), &v, true);
        if (done != Converted::ok) return done;
        handles.push_back(static_cast<minpy_array>(const_cast<void*>(v.v.p)));
    }
    hold(list.release());
    *out = pointer_value(MINPY_V_ARRAYS, handles.size(), handles.data());
    return Converted::ok;
}

Converted Arguments::ints(PyObject* o, minpy_value* out) {
    if (PyLong_Check(o) || (PyIndex_Check(o) && !PyArray_Check(o) && !is_array(o))) {
        Ref index(PyNumber_Index(o));
        if (!index) return Converted::error;
        long long i = PyLong_AsLongLong(index.get());
        if (i == -1 && PyErr_Occurred()) return Converted::foreign;
        *out = value_of(MINPY_V_INT, i);
        return Converted::ok;
    }
    Ref list;
    if (is_array(o) || PyArray_Check(o)) {
        Ref method(PyObject_CallMethod(o, "tolist", nullptr));
        if (!method) return Converted::error;
        if (PyLong_Check(method.get())) return ints(method.get(), out);
        list = std::move(method);
        if (!PyList_Check(list.get())) return Converted::foreign;
    } else if (PySequence_Check(o) && !PyUnicode_Check(o) && !PyBytes_Check(o)) {
        list = Ref(PySequence_Fast(o, "integers are needed"));
        if (!list) return Converted::error;
    } else {
        return Converted::foreign;
    }
    Py_ssize_t n = PySequence_Fast_GET_SIZE(list.get());
    auto& values = int_lists_.emplace_back();
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject* item = PySequence_Fast_GET_ITEM(list.get(), i);
        if (!PyIndex_Check(item) || PyBool_Check(item)) return Converted::foreign;
        Ref index(PyNumber_Index(item));
        long long k = index ? PyLong_AsLongLong(index.get()) : -1;
        if (k == -1 && PyErr_Occurred()) {
            PyErr_Clear();
            return Converted::foreign;
        }
        values.push_back(k);
    }
    *out = pointer_value(MINPY_V_INTS, values.size(), values.data());
    return Converted::ok;
}

Converted Arguments::floats(PyObject* o, minpy_value* out) {
    Ref list(PySequence_Check(o) ? PySequence_Fast(o, "numbers are needed") : PyTuple_Pack(1, o));
    if (!list) return Converted::error;
    auto& values = float_lists_.emplace_back();
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(list.get()); i++) {
        double x = PyFloat_AsDouble(PySequence_Fast_GET_ITEM(list.get(), i));
        if (x == -1 && PyErr_Occurred()) {
            PyErr_Clear();
            return Converted::foreign;
        }
        values.push_back(x);
    }
    *out = pointer_value(MINPY_V_FLOATS, values.size(), values.data());
    return Converted::ok;
}

Converted Arguments::anything(PyObject* o, minpy_value* out) {
    if (o == Py_None) {
        *out = value_of(MINPY_V_NONE);
        return Converted::ok;
    }
    if (PyUnicode_Check(o)) {
        Py_ssize_t n;
        const char* p = PyUnicode_AsUTF8AndSize(o, &n);
        *out = pointer_value(MINPY_V_STRING, static_cast<size_t>(n), p);
        return p ? Converted::ok : Converted::error;
    }
    if (is_array(o) || PyArray_Check(o)) return array(o, out);
    if (o == Py_Ellipsis) {
        *out = value_of(MINPY_V_ELLIPSIS);
        return Converted::ok;
    }
    if (PySlice_Check(o)) {
        bool is_int;
        return index_item(o, out, &is_int);
    }
    if (is_sequence(o)) {
        Ref list(PySequence_Fast(o, ""));
        Py_ssize_t n = PySequence_Fast_GET_SIZE(list.get());
        auto& values = value_lists_.emplace_back();
        bool all_ints = n > 0, all_arrays = n > 0;
        for (Py_ssize_t i = 0; i < n; i++) {
            minpy_value v;
            Converted done = anything(PySequence_Fast_GET_ITEM(list.get(), i), &v);
            if (done != Converted::ok) return done;
            all_ints = all_ints && v.tag == MINPY_V_INT;
            all_arrays = all_arrays && v.tag == MINPY_V_ARRAY;
            values.push_back(v);
        }
        if (all_ints) {
            auto& list_of_ints = int_lists_.emplace_back();
            for (const minpy_value& v : values) list_of_ints.push_back(v.v.i);
            *out = pointer_value(MINPY_V_INTS, list_of_ints.size(), list_of_ints.data());
        } else if (all_arrays) {
            auto& handles = array_lists_.emplace_back();
            for (const minpy_value& v : values) handles.push_back(static_cast<minpy_array>(const_cast<void*>(v.v.p)));
            *out = pointer_value(MINPY_V_ARRAYS, handles.size(), handles.data());
        } else {
            *out = pointer_value(MINPY_V_VALUES, values.size(), values.data());
        }
        return Converted::ok;
    }
    if (PyArray_DescrCheck(o) || PyType_Check(o)) return of_kind(o, MINPY_PARAM_DTYPE, out);
    Converted done = number(o, out);
    if (done != Converted::foreign) return done;
    return PySequence_Check(o) ? array(o, out) : Converted::foreign;
}

Converted Arguments::of_kind(PyObject* o, int32_t kind, minpy_value* out) {
    if (kind == MINPY_PARAM_ARRAY && is_array(o)) return array(o, out);
    if (o == Py_None) {
        *out = value_of(MINPY_V_NONE);
        return Converted::ok;
    }
    if (is_no_value(o)) {
        *out = value_of(MINPY_V_DEFAULT);
        return Converted::ok;
    }
    switch (kind) {
        case MINPY_PARAM_ARRAY: return array(o, out);
        case MINPY_PARAM_ARRAYS: return arrays(o, out);
        case MINPY_PARAM_BOOL: {
            int truth = PyObject_IsTrue(o);
            *out = value_of(MINPY_V_BOOL, truth);
            return truth < 0 ? Converted::error : Converted::ok;
        }
        case MINPY_PARAM_INT:
        case MINPY_PARAM_AXIS: {
            if (!PyIndex_Check(o)) return Converted::foreign;
            Ref index(PyNumber_Index(o));
            long long i = index ? PyLong_AsLongLong(index.get()) : -1;
            if (i == -1 && PyErr_Occurred()) {
                PyErr_Clear();
                return Converted::foreign;
            }
            *out = value_of(MINPY_V_INT, i);
            return Converted::ok;
        }
        case MINPY_PARAM_FLOAT: {
            double x = PyFloat_AsDouble(o);
            if (x == -1 && PyErr_Occurred()) {
                PyErr_Clear();
                return Converted::foreign;
            }
            out->tag = MINPY_V_FLOAT;
            out->len = 0;
            out->v.f = x;
            return Converted::ok;
        }
        case MINPY_PARAM_STRING: return PyUnicode_Check(o) ? anything(o, out) : Converted::foreign;
        case MINPY_PARAM_INTS:
        case MINPY_PARAM_AXES: {
            Converted done = ints(o, out);
            if (done == Converted::foreign) PyErr_Clear();
            return done;
        }
        case MINPY_PARAM_DTYPE: {
            minpy_dtype t;
            int known = parse_dtype(o, &t);
            *out = value_of(MINPY_V_DTYPE, t);
            return known > 0 ? Converted::ok : known == 0 ? Converted::error : Converted::foreign;
        }
        case MINPY_PARAM_SCALAR:
            if (is_array(o) || PyArray_Check(o)) return array(o, out);
            return number(o, out);
        case MINPY_PARAM_DEVICE: {
            minpy_device d;
            if (!parse_device(o, &d)) return Converted::error;
            *out = value_of(MINPY_V_DEVICE,
                            static_cast<int64_t>(static_cast<uint32_t>(d.kind)) | static_cast<int64_t>(d.index) << 32);
            return Converted::ok;
        }
        case MINPY_PARAM_FLOATS: return floats(o, out);
        case MINPY_PARAM_INDEX: {
            auto& values = value_lists_.emplace_back(PyTuple_Check(o) ? PyTuple_GET_SIZE(o) + 1 : 1);
            int32_t n = static_cast<int32_t>(values.size());
            bool all_ints;
            PyObject* owner = nullptr;
            Converted done = index(o, values.data(), &n, &all_ints, &owner);
            *out = pointer_value(MINPY_V_VALUES, static_cast<size_t>(n), values.data());
            return done;
        }
        default: return anything(o, out);
    }
}

Converted Arguments::index_item(PyObject* o, minpy_value* out, bool* is_int) {
    *is_int = false;
    if (PyLong_CheckExact(o)) {
        int overflow;
        *out = value_of(MINPY_V_INT, PyLong_AsLongLongAndOverflow(o, &overflow));
        if (overflow) {
            PyErr_SetString(PyExc_IndexError, "cannot fit 'int' into an index-sized integer");
            return Converted::error;
        }
        *is_int = true;
        return Converted::ok;
    }
    if (PySlice_Check(o)) {
        auto* s = reinterpret_cast<PySliceObject*>(o);
        minpy_slice& slice = slices_.emplace_back();
        int64_t* ends[] = {&slice.start, &slice.stop, &slice.step};
        PyObject* parts[] = {s->start, s->stop, s->step};
        for (int i = 0; i < 3; i++) {
            *ends[i] = MINPY_SLICE_NONE;
            if (parts[i] == Py_None) continue;
            Py_ssize_t k;
            if (!_PyEval_SliceIndex(parts[i], &k)) return Converted::error;
            *ends[i] = k == PY_SSIZE_T_MIN ? -PY_SSIZE_T_MAX : k;
        }
        *out = pointer_value(MINPY_V_SLICE, 0, &slice);
        return Converted::ok;
    }
    if (o == Py_Ellipsis || o == Py_None) {
        *out = value_of(o == Py_None ? MINPY_V_NEWAXIS : MINPY_V_ELLIPSIS);
        return Converted::ok;
    }
    if (o == Py_True || o == Py_False || PyArray_IsScalar(o, Bool)) {
        int truth = PyObject_IsTrue(o);
        *out = value_of(MINPY_V_BOOL, truth);
        return Converted::ok;
    }
    if (is_array(o) || PyArray_CheckExact(o)) {
        minpy_dtype t = is_array(o) ? info_of(handle_of(o)).dtype
                                    : dtype_of_descr(PyArray_DESCR(reinterpret_cast<PyArrayObject*>(o)));
        Ref index;
        if (is_array(o) ? info_of(handle_of(o)).ndim == 0 : PyArray_NDIM(reinterpret_cast<PyArrayObject*>(o)) == 0)
            if (t != MINPY_BOOL && t && t < MINPY_FLOAT16) {
                // A 0-d integer array counts as an integer.
                index = Ref(PyNumber_Index(o));
                if (!index) return Converted::error;
                return index_item(index.get(), out, is_int);
            }
        return array(o, out);
    }
    if (PyIndex_Check(o) && !PyArray_Check(o)) {
        Ref index(PyNumber_Index(o));
        if (index) return index_item(index.get(), out, is_int);
        PyErr_Clear();
    }
    if (PyUnicode_Check(o) || PyFloat_Check(o)) {
        PyErr_SetString(PyExc_IndexError,
                        "only integers, slices (`:`), ellipsis (`...`), numpy.newaxis (`None`) and integer or boolean "
                        "arrays are valid indices");
        return Converted::error;
    }
    PyObject* numpy = from_any(o);
    if (!numpy) return Converted::error;
    hold(numpy);
    if (is_array(numpy)) return index_item(numpy, out, is_int);
    auto* a = reinterpret_cast<PyArrayObject*>(numpy);
    if (PyArray_SIZE(a) == 0 && !PyArray_Check(o) && PyArray_TYPE(a) == NPY_DOUBLE) {
        // An empty list is an index without elements, not a float.
        PyObject* empty = PyArray_Cast(a, NPY_INTP);
        if (!empty) return Converted::error;
        return array(hold(empty), out, true);
    }
    if (!PyArray_CheckExact(o) && !PyArray_CheckExact(numpy)) return Converted::foreign;
    return array(numpy, out, true);
}

Converted Arguments::index(PyObject* o, minpy_value* out, int32_t* n, bool* all_ints, PyObject** owner) {
    *all_ints = true;
    *owner = nullptr;
    if (!PyTuple_Check(o)) {
        *n = 1;
        return index_item(o, out, all_ints);
    }
    Py_ssize_t count = PyTuple_GET_SIZE(o);
    if (count > *n) {
        PyErr_SetString(PyExc_IndexError, "too many indices for array");
        return Converted::error;
    }
    *n = static_cast<int32_t>(count);
    constexpr int kMostAdvanced = 64;  // NumPy's limit
    int advanced = 0;
    // As NumPy: what is no index at all is noticed before a slice's bounds are looked at.
    for (bool slices : {false, true})
        for (Py_ssize_t i = 0; i < count; i++) {
            PyObject* item = PyTuple_GET_ITEM(o, i);
            if (PySlice_Check(item) != slices) continue;
            bool is_int;
            Converted done = index_item(item, out + i, &is_int);
            if (done != Converted::ok) return done;
            *all_ints = *all_ints && is_int;
            advanced += out[i].tag == MINPY_V_ARRAY || out[i].tag == MINPY_V_BOOL;
        }
    if (advanced >= kMostAdvanced) {
        PyErr_SetString(PyExc_IndexError, "too many advanced indices");
        return Converted::error;
    }
    return Converted::ok;
}

bool parse_device(PyObject* o, minpy_device* out) {
    *out = {MINPY_CPU, 0};
    if (o == Py_None) return true;
    if (PyTuple_Check(o) && PyTuple_GET_SIZE(o) == 2) {
        int kind, index;
        if (!PyArg_ParseTuple(o, "ii", &kind, &index)) return false;
        *out = {kind, index};
        return true;
    }
    PyObject* parse = fallback_helper("parse_device");  // "cuda:1", Context
    Ref pair(parse ? PyObject_CallOneArg(parse, o) : nullptr);
    if (!pair) return false;
    return parse_device(pair.get(), out);
}

PyObject* value_to_python(minpy_value* v, bool scalar_wanted) {
    PyObject* o = nullptr;
    switch (v->tag) {
        case MINPY_V_ARRAY: {
            auto a = static_cast<minpy_array>(const_cast<void*>(v->v.p));
            v->tag = MINPY_V_NONE;
            return scalar_or_array(a, scalar_wanted);
        }
        case MINPY_V_ARRAYS: {
            auto* handles = static_cast<const minpy_array*>(v->v.p);
            o = PyList_New(v->len);
            for (int32_t i = 0; o && i < v->len; i++)
                PyList_SET_ITEM(o, i, scalar_or_array(minpy_array_retain(handles[i]), false));
            break;
        }
        case MINPY_V_NONE: o = Py_NewRef(Py_None); break;
        case MINPY_V_BOOL: o = PyBool_FromLong(v->v.i != 0); break;
        case MINPY_V_INT: o = PyLong_FromLongLong(v->v.i); break;
        case MINPY_V_UINT: o = PyLong_FromUnsignedLongLong(v->v.bits); break;
        case MINPY_V_FLOAT: o = PyFloat_FromDouble(v->v.f); break;
        case MINPY_V_COMPLEX: {
            auto* pair = static_cast<const double*>(v->v.p);
            o = PyComplex_FromDoubles(pair[0], pair[1]);
            break;
        }
        case MINPY_V_SCALAR: o = scalar_from_value(*v); break;
        case MINPY_V_STRING: o = PyUnicode_DecodeUTF8(static_cast<const char*>(v->v.p), v->len, "replace"); break;
        case MINPY_V_DTYPE: o = reinterpret_cast<PyObject*>(descr_of_dtype(static_cast<minpy_dtype>(v->v.i))); break;
        case MINPY_V_INTS: {
            auto* ints = static_cast<const int64_t*>(v->v.p);
            o = PyTuple_New(v->len);
            for (int32_t i = 0; o && i < v->len; i++) PyTuple_SET_ITEM(o, i, PyLong_FromLongLong(ints[i]));
            break;
        }
        case MINPY_V_FLOATS: {
            auto* floats = static_cast<const double*>(v->v.p);
            o = PyTuple_New(v->len);
            for (int32_t i = 0; o && i < v->len; i++) PyTuple_SET_ITEM(o, i, PyFloat_FromDouble(floats[i]));
            break;
        }
        case MINPY_V_DEVICE:
            o = Py_BuildValue("ii", static_cast<int>(v->v.i & 0xffffffff), static_cast<int>(v->v.i >> 32));
            break;
        case MINPY_V_VALUES: {
            auto* values = static_cast<minpy_value*>(const_cast<void*>(v->v.p));
            o = PyTuple_New(v->len);
            for (int32_t i = 0; o && i < v->len; i++) {
                minpy_value copy = values[i];
                if (copy.tag == MINPY_V_ARRAY)
                    minpy_array_retain(static_cast<minpy_array>(const_cast<void*>(copy.v.p)));
                PyObject* item = value_to_python(&copy, scalar_wanted);
                if (!item) {
                    Py_CLEAR(o);
                    break;
                }
                PyTuple_SET_ITEM(o, i, item);
            }
            break;
        }
        default: PyErr_Format(PyExc_TypeError, "a result with tag %d has no Python form", v->tag);
    }
    minpy_values_release(v, 1);
    return o;
}

PyObject* borrowed_value_to_python(minpy_value v) {
    switch (v.tag) {
        case MINPY_V_STRING: return PyUnicode_DecodeUTF8(static_cast<const char*>(v.v.p), v.len, "replace");
        case MINPY_V_BIGINT: return PyLong_FromString(static_cast<const char*>(v.v.p), nullptr, 10);
        case MINPY_V_SCALAR: return scalar_from_value(v);
        case MINPY_V_COMPLEX: {
            auto* pair = static_cast<const double*>(v.v.p);
            return PyComplex_FromDoubles(pair[0], pair[1]);
        }
        case MINPY_V_VALUES:
        case MINPY_V_INTS:
        case MINPY_V_FLOATS: {
            PyObject* o = PyTuple_New(v.len);
            for (int32_t i = 0; o && i < v.len; i++) {
                PyObject* item = v.tag == MINPY_V_INTS ? PyLong_FromLongLong(static_cast<const int64_t*>(v.v.p)[i])
                                 : v.tag == MINPY_V_FLOATS
                                     ? PyFloat_FromDouble(static_cast<const double*>(v.v.p)[i])
                                     : borrowed_value_to_python(static_cast<const minpy_value*>(v.v.p)[i]);
                PyTuple_SET_ITEM(o, i, item);
            }
            return o;
        }
        case MINPY_V_ARRAY: return wrap_array(minpy_array_retain(static_cast<minpy_array>(const_cast<void*>(v.v.p))));
        default: return value_to_python(&v, false);
    }
}

}  // namespace minpy::face
