// x[…], x[…] = v, len, in, iteration.
#include "face.h"

namespace minpy::face {
namespace {

PyObject* numpy_item(PyObject* self, PyObject* key) {
    PyObject* call = fallback_helper("get_item");
    return call ? PyObject_CallFunctionObjArgs(call, self, key, nullptr) : nullptr;
}

// What is at ints, slices and new axes: an element, or a view.
PyObject* plain_item(PyObject* self, const PlainIndex& index) {
    minpy_value element;
    if (index.all_ints && minpy_array_element(handle_of(self), index.values, index.n, &element))
        return scalar_from_value(element);
    minpy_array got = nullptr;
    minpy_status status = minpy_array_get(handle_of(self), index.values, index.n, &got);
    if (status) return raise_status(status);
    if (index.all_ints && index.n == with_facts(self)->ndim) return heard(scalar_or_array(got, true));
    return wrap_window(got, self);
}

// Apart, so that the slot below has no frame for it.
[[gnu::noinline]] PyObject* get(PyObject* self, PyObject* key) {
    if (PlainIndex index; index.parse(key)) return plain_item(self, index);
    minpy_array got = nullptr;
    if (is_exact_array(key) && with_facts(key)->ndim) {  // a mask, or positions
        minpy_value v = {MINPY_V_ARRAY, 0, {0}};
        v.v.p = handle_of(key);
        minpy_status status = run(with_facts(self)->size + as_array(key)->size,
                                  [&] { return minpy_array_get(handle_of(self), &v, 1, &got); });
        return status ? raise_status(status) : scalar_or_array(got, true);
    }
    Arguments arguments;
    minpy_value v[130];
    int32_t n = 130;
    bool all_ints;
    PyObject* owner;
    Converted done = arguments.index(key, v, &n, &all_ints, &owner);
    if (done == Converted::error) return nullptr;
    if (done == Converted::foreign) return numpy_item(self, key);
    arguments.count(self);
    minpy_status status = run(arguments.elements(), [&] { return minpy_array_get(handle_of(self), v, n, &got); });
    if (status) return raise_status(status);
    bool advanced = false, ellipsis = false;
    for (int32_t i = 0; i < n; i++) {
        advanced = advanced || v[i].tag == MINPY_V_ARRAY;
        ellipsis = ellipsis || v[i].tag == MINPY_V_ELLIPSIS;
    }
    // An advanced index whose result is one element of 0 dimensions: a scalar too, unless an ellipsis was there.
    if (advanced ? !ellipsis : all_ints && n == with_facts(self)->ndim) return heard(scalar_or_array(got, true));
    return info_of(handle_of(self)).storage == info_of(got).storage ? wrap_window(got, self) : wrap_array(got);
}

bool is_complex(minpy_array a) {
    minpy_dtype t = info_of(a).dtype;
    return t == MINPY_COMPLEX64 || t == MINPY_COMPLEX128;
}
int warn_if_complex(PyObject* self, const minpy_value& value) {
    if (!is_complex(static_cast<minpy_array>(const_cast<void*>(value.v.p))) || is_complex(handle_of(self))) return 0;
    PyObject* warn = fallback_helper("warn_complex");
    Ref done(warn ? PyObject_CallNoArgs(warn) : nullptr);
    return done ? 0 : -1;
}

int set(PyObject* self, PyObject* key, PyObject* value) {
    if (!value) {
        PyErr_SetString(PyExc_ValueError, "cannot delete array elements");
        return -1;
    }
    if (as_array(self)->readonly) {
        PyErr_SetString(PyExc_ValueError, "assignment destination is read-only");
        return -1;
    }
    minpy_value what;
    if (PlainIndex index; simple_number(value, &what) && index.parse(key)) {
        int64_t elements = index.all_ints ? 0 : with_facts(self)->size;
        minpy_status status =
            run(elements, [&] { return minpy_array_set(handle_of(self), index.values, index.n, &what); });
        if (!status) return check_fp("cast");
        raise_status(status);
        return -1;
    }
    Arguments arguments;
    minpy_value v[130];
    int32_t n = 130;
    bool all_ints;
    PyObject* owner;
    Converted done = arguments.index(key, v, &n, &all_ints, &owner);
    if (done == Converted::ok) {
        if (is_array(value) || PyArray_CheckExact(value) || PyArray_IsScalar(value, Generic) || PyFloat_Check(value) ||
            PyLong_Check(value) || PyComplex_Check(value)) {
            done = arguments.array(value, &what);
        } else if (all_ints && n == with_facts(self)->ndim) {
            done = Converted::foreign;  // one element from an odd object: NumPy knows what float() accepts
        } else {
            // NumPy reads nested lists and foreign objects by the array's own dtype.
            minpy_value probe;
            done = PyList_Check(value) || PyTuple_Check(value) ? arguments.array(value, &probe) : Converted::foreign;
            if (done == Converted::ok && probe.tag == MINPY_V_ARRAY) what = probe;
            else if (done == Converted::ok) done = Converted::foreign;
            if (done == Converted::error) {
                PyErr_Clear();
                done = Converted::foreign;
            }
        }
    }
    if (done == Converted::error) return -1;
    if (done == Converted::foreign) {
        PyObject* call = fallback_helper("set_item");
        Ref result(call ? PyObject_CallFunctionObjArgs(call, self, key, value, nullptr) : nullptr);
        return result ? 0 : -1;
    }
    arguments.count(self);
    if (what.tag == MINPY_V_ARRAY && warn_if_complex(self, what) < 0) return -1;
    minpy_status status = run(arguments.elements(), [&] { return minpy_array_set(handle_of(self), v, n, &what); });
    if (status) {
        raise_status(status);
        return -1;
    }
    return check_fp("cast");
}

}  // namespace

PyObject* item_at(PyObject* self, Py_ssize_t i) {
    ArrayObject* a = with_facts(self);
    if (a->ndim == 0) {
        PyErr_SetString(PyExc_IndexError, "too many indices for array: array is 0-dimensional, but 1 were indexed");
        return nullptr;
    }
    if (i >= a->shape[0]) {
        PyErr_SetString(PyExc_IndexError, "index out of bounds");
        return nullptr;
    }
    PlainIndex index;
    index.values[0] = {MINPY_V_INT, 0, {i}};
    index.n = 1;
    return plain_item(self, index);
}

}  // namespace minpy::face

using namespace minpy::face;
extern "C" {
PyObject* minpy_face_mp_subscript(PyObject* self, PyObject* key) {
    // x[i:j], the most frequent one, without the list of items.
    if (minpy_slice slice; is_exact_array(self) && PySlice_Check(key) && plain_slice(key, &slice)) {
        minpy_value v = pointer_value(MINPY_V_SLICE, 0, &slice);
        minpy_array got;
        minpy_status status = minpy_array_get(handle_of(self), &v, 1, &got);
        return status ? raise_status(status) : wrap_window(got, self);
    }
    PyObject* item = get(self, key);
    if (is_exact_array(self) || !item || !is_exact_array(item)) return item;
    // A part of a subclass is of the subclass.
    PyObject* helper = fallback_helper("as_subclass");
    PyObject* part = helper ? PyObject_CallFunctionObjArgs(helper, item, self, nullptr) : nullptr;
    Py_DECREF(item);
    return part;
}
int minpy_face_mp_ass_subscript(PyObject* self, PyObject* key, PyObject* value) { return set(self, key, value); }
PyObject* minpy_face_sq_item(PyObject* self, Py_ssize_t i) { return item_at(self, i); }
int minpy_face_sq_ass_item(PyObject* self, Py_ssize_t i, PyObject* value) {
    Ref key(PyLong_FromSsize_t(i));
    return key ? set(self, key.get(), value) : -1;
}
PyObject* minpy_face_concat(PyObject*, PyObject*) {
    PyErr_SetString(PyExc_TypeError,
                    "Concatenation operation is not implemented for NumPy arrays, use np.concatenate() instead. Please "
                    "do not rely on this error; it may not be given on all Python implementations.");
    return nullptr;
}
Py_ssize_t minpy_face_length(PyObject* self) {
    if (ArrayObject* a = with_facts(self); a->ndim) return static_cast<Py_ssize_t>(a->shape[0]);
    PyErr_SetString(PyExc_TypeError, "len() of unsized object");
    return -1;
}
PyObject* minpy_face_iter(PyObject* self) {
    if (with_facts(self)->ndim) return PySeqIter_New(self);
    PyErr_SetString(PyExc_TypeError, "iteration over a 0-d array");
    return nullptr;
}
int minpy_face_contains(PyObject* self, PyObject* value) {
    // NumPy's rule: (self == value).any()
    Ref same(PyObject_RichCompare(self, value, Py_EQ));
    if (!same) return -1;
    Ref any(PyObject_HasAttrString(same.get(), "any") ? PyObject_CallMethod(same.get(), "any", nullptr)
                                                      : Py_NewRef(same.get()));
    return any ? PyObject_IsTrue(any.get()) : -1;
}
PyObject* minpy_face_repr(PyObject* self) {
    PyObject* f = fallback_helper("array_repr");
    return f ? PyObject_CallOneArg(f, self) : nullptr;
}
PyObject* minpy_face_str(PyObject* self) {
    PyObject* f = fallback_helper("array_str");
    return f ? PyObject_CallOneArg(f, self) : nullptr;
}
}
