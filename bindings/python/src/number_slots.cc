// The number slots of the array type. One slot function serves `a + 1`, `1 + a` and `a + b`; the operator was
// found at import.
#include "face.h"

namespace minpy::face {
namespace {

struct Slot {
    const char* name;
    const char* python;  // in the module `operator`
    minpy_op op;
};
#define MINPY_SLOTS(X)        \
    X(add, add)               \
    X(subtract, sub)          \
    X(multiply, mul)          \
    X(divide, truediv)        \
    X(floor_divide, floordiv) \
    X(remainder, mod)         \
    X(divmod, divmod)         \
    X(power, pow)             \
    X(left_shift, lshift)     \
    X(right_shift, rshift)    \
    X(bitwise_and, and_)      \
    X(bitwise_or, or_)        \
    X(bitwise_xor, xor)       \
    X(matmul, matmul)         \
    X(negative, neg)          \
    X(positive, pos)          \
    X(absolute, abs)          \
    X(invert, invert) X(equal, eq) X(not_equal, ne) X(less, lt) X(less_equal, le) X(greater, gt) X(greater_equal, ge)
enum {
#define X(name, python) k_##name,
    MINPY_SLOTS(X)
#undef X
        kSlots
};
Slot slots[] = {
#define X(name, python) {#name, #python, nullptr},
    MINPY_SLOTS(X)
#undef X
};

PyObject* numpy_operator(int k, PyObject* const* args, Py_ssize_t n, const char* reason) {
    static PyObject* callables[kSlots];
    if (!callables[k]) {
        Ref module(PyImport_ImportModule(k == k_divmod ? "builtins" : "operator"));
        callables[k] = module ? PyObject_GetAttrString(module.get(), slots[k].python) : nullptr;
        if (!callables[k]) return nullptr;
    }
    return call_fallback(callables[k], args, n, nullptr, reason);
}

// Whether NumPy's rules leave the operation to the other operand.
bool defers_to(PyObject* self, PyObject* other) {
    if (is_array(other) || PyArray_Check(other) || PyArray_IsScalar(other, Generic) || PyLong_Check(other) ||
        PyFloat_Check(other) || PyComplex_Check(other) || PyList_Check(other) || PyTuple_Check(other) ||
        other == Py_None || PyUnicode_Check(other))
        return false;
    static PyObject *array_ufunc, *priority;
    if (!array_ufunc) {
        array_ufunc = PyUnicode_InternFromString("__array_ufunc__");
        priority = PyUnicode_InternFromString("__array_priority__");
    }
    Ref theirs(PyObject_GetAttr(reinterpret_cast<PyObject*>(Py_TYPE(other)), array_ufunc));
    PyErr_Clear();
    if (theirs) return theirs.get() == Py_None;
    Ref value(PyObject_GetAttr(other, priority));
    double p = value ? PyFloat_AsDouble(value.get()) : -1;
    PyErr_Clear();
    (void)self;
    return p > 0;
}

// An operand that is no array and no simple number.
Converted operand(Arguments& arguments, PyObject* o, minpy_value* v) {
    if (is_array(o)) {
        v->tag = MINPY_V_ARRAY;
        v->len = 0;
        v->v.p = handle_of(o);
        return Converted::ok;
    }
    return arguments.array(o, v);
}

inline bool quick(PyObject* o, minpy_value* v) {
    if (is_exact_array(o)) {
        v->tag = MINPY_V_ARRAY;
        v->len = 0;
        v->v.p = handle_of(o);
        return true;
    }
    return simple_number(o, v);
}

PyObject* finish(int k, minpy_status status, minpy_value* results, int32_t n, PyObject* const* args,
                 Py_ssize_t n_args) {
    if (status) {
        if (status == MINPY_E_UNSUPPORTED) {
            bool traced = false;
            for (Py_ssize_t i = 0; i < n_args; i++)
                traced = traced || (is_array(args[i]) && minpy_array_is_traced(handle_of(args[i])) == 1);
            if (!traced) return numpy_operator(k, args, n_args, "no_kernel");
        }
        return raise_status(status);
    }
    if (minpy_fp_status(0) && report_fp(slots[k].name) < 0) {
        minpy_values_release(results, n);
        return nullptr;
    }
    // An element-wise result has as many dimensions as its operands: only 0-d ones may have to become scalars.
    bool maybe_scalar = k == k_matmul;
    if (!maybe_scalar) {
        maybe_scalar = true;
        for (Py_ssize_t i = 0; i < n_args; i++)
            if (is_array(args[i]) && ndim_of_array(args[i])) maybe_scalar = false;
    }
    if (n == 1) return scalar_or_array(static_cast<minpy_array>(const_cast<void*>(results->v.p)), maybe_scalar);
    PyObject* tuple = PyTuple_New(n);
    for (int32_t i = 0; tuple && i < n; i++) PyTuple_SET_ITEM(tuple, i, value_to_python(results + i, true));
    return tuple;
}

// Large operands are worth the price of letting other threads run.
int64_t size_of(PyObject* o) { return is_array(o) ? size_of_array(o) : 0; }

PyObject* binary(int k, PyObject* a, PyObject* b) {
    PyObject* args[] = {a, b};
    if (!slots[k].op) return numpy_operator(k, args, 2, "no_kernel");
    minpy_value v[2], results[2];
    int32_t n = 2;
    if (quick(a, v) && quick(b, v + 1)) {
        minpy_status status = run(size_of(args[0]) + size_of(args[1]),
                                  [&] { return minpy_invoke(slots[k].op, v, 2, nullptr, results, &n); });
        return finish(k, status, results, n, args, 2);
    }
    PyObject* other = is_array(a) ? b : a;
    if (defers_to(is_array(a) ? a : b, other)) Py_RETURN_NOTIMPLEMENTED;
    Arguments arguments;
    for (int i = 0; i < 2; i++) {
        Converted done = operand(arguments, args[i], v + i);
        if (done == Converted::error) return nullptr;
        if (done == Converted::foreign) return numpy_operator(k, args, 2, "dtype");
    }
    minpy_status status =
        run(size_of(args[0]) + size_of(args[1]), [&] { return minpy_invoke(slots[k].op, v, 2, nullptr, results, &n); });
    return finish(k, status, results, n, args, 2);
}

PyObject* unary(int k, PyObject* a) {
    if (!slots[k].op) return numpy_operator(k, &a, 1, "no_kernel");
    minpy_value v = {MINPY_V_ARRAY, 0, {0}}, result;
    v.v.p = handle_of(a);
    int32_t n = 1;
    minpy_status status = run(size_of(a), [&] { return minpy_invoke(slots[k].op, &v, 1, nullptr, &result, &n); });
    return finish(k, status, &result, n, &a, 1);
}

PyObject* in_place(int k, PyObject* a, PyObject* b) {
    if (as_array(a)->readonly) {
        PyErr_SetString(PyExc_ValueError, "output array is read-only");
        return nullptr;
    }
    PyObject* args[] = {a, b};
    minpy_value v[2], result;
    Arguments arguments;
    Converted done = Converted::foreign;
    if (slots[k].op) {
        v[0] = {MINPY_V_ARRAY, 0, {0}};
        v[0].v.p = handle_of(a);
        if (quick(b, v + 1)) {
            done = Converted::ok;
        } else {
            if (defers_to(a, b)) Py_RETURN_NOTIMPLEMENTED;
            done = operand(arguments, b, v + 1);
            if (done == Converted::error) return nullptr;
        }
    }
    if (done == Converted::ok) {
        minpy_array out = handle_of(a);
        minpy_call_options options = MINPY_CALL_OPTIONS_INIT;
        options.out = &out;
        options.n_out = 1;
        // What may be pending is large; saying so of small operands would cost them the short way.
        if (is_array(b) && Py_REFCNT(b) == 1 && size_of_array(b) >= kLargeOperand) options.flags = MINPY_CALL_LAST_USE;
        int32_t n = 1;
        minpy_status status = run(size_of(args[0]) + size_of(args[1]),
                                  [&] { return minpy_invoke(slots[k].op, v, 2, &options, &result, &n); });
        if (status != MINPY_E_UNSUPPORTED || minpy_array_is_traced(out) == 1) {
            if (status) return raise_status(status);
            minpy_values_release(&result, n);
            if (check_fp(slots[k].name) < 0) return nullptr;
            return Py_NewRef(a);
        }
    }
    PyObject* call = fallback_helper("in_place");
    Ref name(PyUnicode_FromString(slots[k].name));
    return call && name ? PyObject_CallFunctionObjArgs(call, name.get(), args[0], args[1], nullptr) : nullptr;
}

// float(x), int(x), …: of the one element; NumPy's own words for arrays that have more.
PyObject* converted(PyObject* self, PyObject* (*convert)(PyObject*)) {
    minpy_value element;
    if (minpy_array_element(handle_of(self), nullptr, 0, &element)) {
        if (element.len == MINPY_FLOAT64 && convert == PyNumber_Float) return PyFloat_FromDouble(element.v.f);
        Ref scalar(element.len < MINPY_COMPLEX64 ? python_number(element) : scalar_from_value(element));
        return scalar ? convert(scalar.get()) : nullptr;
    }
    minpy_array_info info = info_of(handle_of(self));
    if (info.size == 1 && info.ndim == 0) {
        minpy_value v;
        minpy_status status = minpy_array_item(handle_of(self), &v);
        if (status) return raise_status(status);
        Ref scalar(scalar_from_value(v));
        minpy_values_release(&v, 1);
        return scalar ? convert(scalar.get()) : nullptr;
    }
    Ref view(numpy_view(self));
    return view ? convert(view.get()) : nullptr;
}

PyObject* to_complex(PyObject* o) { return PyObject_CallOneArg(reinterpret_cast<PyObject*>(&PyComplex_Type), o); }

}  // namespace

bool install_number_slots() {
    for (Slot& slot : slots)
        if (minpy_op_find(slot.name, &slot.op)) slot.op = nullptr;
    return true;
}

PyObject* array_complex(PyObject* self, PyObject*) { return converted(self, to_complex); }
PyObject* compare(PyObject* a, PyObject* b, int op) {
    static const int by_op[] = {k_less, k_less_equal, k_equal, k_not_equal, k_greater, k_greater_equal};
    return binary(by_op[op], a, b);
}

}  // namespace minpy::face

using namespace minpy::face;
extern "C" {
#define BINARY(slot, name) \
    PyObject* minpy_face_nb_##slot(PyObject* a, PyObject* b) { return binary(k_##name, a, b); }
#define IN_PLACE(slot, name) \
    PyObject* minpy_face_nb_inplace_##slot(PyObject* a, PyObject* b) { return in_place(k_##name, a, b); }
#define BOTH(slot, name) BINARY(slot, name) IN_PLACE(slot, name)
BOTH(add, add)
BOTH(subtract, subtract)
BOTH(multiply, multiply)
BOTH(true_divide, divide)
BOTH(floor_divide, floor_divide)
BOTH(remainder, remainder)
BOTH(lshift, left_shift)
BOTH(rshift, right_shift)
BOTH(and, bitwise_and)
BOTH(or, bitwise_or)
BOTH(xor, bitwise_xor)
BOTH(matrix_multiply, matmul)
BINARY(divmod, divmod)

PyObject* minpy_face_nb_power(PyObject* a, PyObject* b, PyObject* modulo) {
    if (modulo != Py_None) Py_RETURN_NOTIMPLEMENTED;
    return binary(k_power, a, b);
}
PyObject* minpy_face_nb_inplace_power(PyObject* a, PyObject* b, PyObject*) { return in_place(k_power, a, b); }
PyObject* minpy_face_nb_negative(PyObject* a) { return unary(k_negative, a); }
PyObject* minpy_face_nb_positive(PyObject* a) { return unary(k_positive, a); }
PyObject* minpy_face_nb_absolute(PyObject* a) { return unary(k_absolute, a); }
PyObject* minpy_face_nb_invert(PyObject* a) { return unary(k_invert, a); }
PyObject* minpy_face_nb_float(PyObject* a) { return converted(a, PyNumber_Float); }
PyObject* minpy_face_nb_int(PyObject* a) { return converted(a, PyNumber_Long); }
PyObject* minpy_face_nb_index(PyObject* a) {
    minpy_array_info info = info_of(handle_of(a));
    if (info.ndim == 0 && info.dtype >= MINPY_INT8 && info.dtype <= MINPY_UINT64) return converted(a, PyNumber_Index);
    Ref view(numpy_view(a));
    return view ? PyNumber_Index(view.get()) : nullptr;
}
int minpy_face_nb_bool(PyObject* a) {
    minpy_value element;
    if (minpy_array_element(handle_of(a), nullptr, 0, &element)) {
        if (element.len == MINPY_FLOAT64) return element.v.f != 0;
        if (element.len == MINPY_BOOL) return element.v.bits & 1;
    }
    minpy_array_info info = info_of(handle_of(a));
    if (info.size != 1) {
        Ref view(numpy_view(a));
        return view ? PyObject_IsTrue(view.get()) : -1;
    }
    minpy_value v;
    minpy_status status = minpy_array_item(handle_of(a), &v);
    if (status) {
        raise_status(status);
        return -1;
    }
    Ref scalar(scalar_from_value(v));
    minpy_values_release(&v, 1);
    return scalar ? PyObject_IsTrue(scalar.get()) : -1;
}
PyObject* minpy_face_richcompare(PyObject* a, PyObject* b, int op) { return compare(a, b, op); }
}
