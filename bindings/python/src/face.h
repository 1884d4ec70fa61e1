// What the files of the Python face share. The array type is SWIG's -builtin type for `struct minpy_array_s`;
// its slots, methods and attributes are functions of this folder, so that no Python frame and no proxy stands
// between `a + b` and minpy_invoke. Everything here holds the GIL unless it says otherwise.
#ifndef MINPY_PYTHON_FACE_H
#define MINPY_PYTHON_FACE_H
#define PY_SSIZE_T_CLEAN
#include <Python.h>
// Python.h first
#define NPY_NO_DEPRECATED_API  NPY_2_0_API_VERSION
#define NPY_TARGET_VERSION     NPY_2_0_API_VERSION
#define PY_ARRAY_UNIQUE_SYMBOL minpy_numpy_api
#ifndef MINPY_FACE_MODULE
#define NO_IMPORT_ARRAY
#endif
#include <numpy/arrayobject.h>
#include <numpy/arrayscalars.h>

#include <list>
#include <span>
#include <vector>

#include <minpy/minpy.h>

namespace minpy::face {

// Begins like SWIG's own SwigPyObject, so that generated wrappers unpack `handle` from it.
struct ArrayObject {
    PyObject_HEAD minpy_array handle;
    void* swig_type;
    int swig_own;
    PyObject* swig_next;
    PyObject* dict;  // never filled for exact arrays
    PyObject* base;  // what the window looks at: another array, a NumPy array; NULL if it owns its memory
    PyObject* weakrefs;
    int readonly;  // set by flags.writeable = False
    // A copy of what the library knows, ndim -1 until it was asked: a small call cannot afford to ask.
    int ndim;
    minpy_dtype dtype;
    bool contiguous;
    int64_t size, nbytes;
    const int64_t *shape, *strides;  // live as long as the handle
    PyObject* shape_tuple;           // NULL until it was asked for
};

extern PyTypeObject* array_type;  // SWIG's
inline bool is_array(PyObject* o) { return PyObject_TypeCheck(o, array_type); }
inline bool is_exact_array(PyObject* o) { return Py_TYPE(o) == array_type; }
inline ArrayObject* as_array(PyObject* o) { return reinterpret_cast<ArrayObject*>(o); }
inline minpy_array handle_of(PyObject* o) { return as_array(o)->handle; }

// A reference that is dropped at the end of the block.
class Ref {
public:
    Ref() = default;
    explicit Ref(PyObject* o) : o_(o) {}
    Ref(Ref&& other) noexcept : o_(other.release()) {}
    Ref& operator=(Ref&& other) noexcept {
        PyObject* old = o_;
        o_ = other.release();
        Py_XDECREF(old);
        return *this;
    }
    Ref(const Ref&) = delete;
    Ref& operator=(const Ref&) = delete;
    ~Ref() { Py_XDECREF(o_); }
    static Ref borrow(PyObject* o) {
        Py_XINCREF(o);
        return Ref(o);
    }
    PyObject* get() const { return o_; }
    PyObject* release() {
        PyObject* o = o_;
        o_ = nullptr;
        return o;
    }
    explicit operator bool() const { return o_ != nullptr; }

private:
    PyObject* o_ = nullptr;
};

inline minpy_value value_of(int32_t tag, int64_t i = 0) {
    minpy_value v;
    v.tag = tag;
    v.len = 0;
    v.v.i = i;
    return v;
}
inline minpy_value pointer_value(int32_t tag, size_t len, const void* p) {
    minpy_value v;
    v.tag = tag;
    v.len = static_cast<int32_t>(len);
    v.v.p = p;
    return v;
}

inline minpy_array_info info_of(minpy_array a) {
    minpy_array_info info = MINPY_ARRAY_INFO_INIT;
    minpy_array_get_info(a, &info);
    return info;
}

// The value of an exact int within 64 bits; small ones, which most are, without a call.
inline bool int_value(PyObject* o, int64_t* out) {
    auto* i = reinterpret_cast<PyLongObject*>(o);
#if PY_VERSION_HEX >= 0x030C0000
    if (PyUnstable_Long_IsCompact(i)) return *out = PyUnstable_Long_CompactValue(i), true;
#else
    if (Py_ssize_t n = Py_SIZE(i); n >= -1 && n <= 1) return *out = n * static_cast<int64_t>(i->ob_digit[0]), true;
#endif
    int overflow;
    *out = PyLong_AsLongLongAndOverflow(o, &overflow);
    return !overflow;
}

// Functions with keywords or vectorcall arguments as the table of methods holds them.
template <class F> PyCFunction method(F* f) { return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(f)); }

// The handle is another one: what is known of the old one is forgotten.
inline void forget_facts(ArrayObject* a) {
    a->ndim = -1;
    Py_CLEAR(a->shape_tuple);
}

inline ArrayObject* with_facts(PyObject* o) {
    ArrayObject* a = as_array(o);
    if (a->ndim < 0) {
        minpy_array_info whole = info_of(a->handle);
        // Field by field: two that are stored one after the other and loaded as one wait for their stores.
        const volatile minpy_array_info& info = whole;
        a->ndim = info.ndim;
        a->dtype = info.dtype;
        a->contiguous = info.flags & MINPY_ARRAY_C_CONTIGUOUS;
        a->size = info.size;
        a->nbytes = info.nbytes;
        a->shape = info.shape;
        a->strides = info.strides;
    }
    return a;
}

// Of an array that may be used once: most results are.
inline int64_t size_of_array(PyObject* o) {
    ArrayObject* a = as_array(o);
    return a->ndim < 0 ? minpy_array_size(a->handle) : a->size;
}
inline int32_t ndim_of_array(PyObject* o) {
    ArrayObject* a = as_array(o);
    return a->ndim < 0 ? minpy_array_ndim(a->handle) : a->ndim;
}

// ---- array_object.cc
PyObject* wrap_array(minpy_array owned, PyObject* base = nullptr);  // takes the handle
PyObject* wrap_window(minpy_array owned, PyObject* of);             // a view of another array object
PyObject* scalar_or_array(minpy_array owned, bool scalar_wanted);   // NumPy scalar where NumPy makes one
PyObject* scalar_from_value(const minpy_value& v);                  // of a SCALAR value; strong types only
void drain_released();                                              // drops what destroy callbacks left behind
void release_later(void* object);                                   // a minpy_destroy_fn over PyObject*
bool install_array_object(PyTypeObject* type);

// ---- dtypes.cc
minpy_dtype dtype_of_descr(PyArray_Descr* d);  // 0 if it is none of ours (or of foreign byte order)
PyArray_Descr* descr_of_dtype(minpy_dtype t);  // new reference
minpy_dtype dtype_of_typenum(int num);
minpy_dtype dtype_of_object(PyObject* o);  // of a dtype object or a scalar type; 0 if that is not enough to know it
// 1 and *out, 0 with an exception, -1 if NumPy has the dtype and we do not.
int parse_dtype(PyObject* o, minpy_dtype* out);

// ---- exchange.cc
PyObject* numpy_view(PyObject* array);               // a NumPy array on the same memory (a copy from a device)
minpy_array borrow_numpy(PyArrayObject* a);          // zero copy; NULL with an exception
minpy_array copy_numpy(PyArrayObject* a);            // an array of our own, the layout kept
PyObject* array_from_numpy(PyObject* a, bool copy);  // ours if the dtype is, else the same object
int array_getbuffer(PyObject* self, Py_buffer* view, int flags);
bool install_exchange(PyTypeObject* type, PyObject* module);

// ---- convert.cc
// The arguments of one call: values, and what must live until it returns.
enum class Converted { ok, error, foreign };  // foreign: NumPy may take it, we do not
class Arguments {
public:
    Arguments() = default;
    Arguments(const Arguments&) = delete;
    Arguments& operator=(const Arguments&) = delete;
    ~Arguments();
    Converted array(PyObject* o, minpy_value* out, bool must_be_array = false);
    Converted arrays(PyObject* o, minpy_value* out);
    Converted of_kind(PyObject* o, int32_t kind, minpy_value* out);
    Converted anything(PyObject* o, minpy_value* out);
    Converted index(PyObject* o, minpy_value* out, int32_t* n, bool* all_ints, PyObject** owner);
    int64_t elements() const { return elements_; }  // of all arrays: large calls let other threads run
    void count(PyObject* array) { elements_ += size_of_array(array); }

private:
    Converted ints(PyObject* o, minpy_value* out);
    Converted floats(PyObject* o, minpy_value* out);
    Converted number(PyObject* o, minpy_value* out);
    Converted index_item(PyObject* o, minpy_value* out, bool* is_int);
    void own(minpy_array a) { owned_.push_back(a); }
    PyObject* hold(PyObject* o) {
        held_.push_back(o);
        return o;
    }
    std::vector<minpy_array> owned_;
    std::vector<PyObject*> held_;
    std::list<std::vector<int64_t>> int_lists_;
    std::list<std::vector<double>> float_lists_;
    std::list<std::vector<minpy_value>> value_lists_;
    std::list<std::vector<minpy_array>> array_lists_;
    std::list<minpy_slice> slices_;
    int64_t elements_ = 0;
};
bool parse_device(PyObject* o, minpy_device* out);
PyObject* value_to_python(minpy_value* v, bool scalar_wanted);  // takes what the value owns

constexpr int64_t kLargeOperand = 1 << 14;  // elements from which a call may find operands that are pending

// ---- plain.cc
// A number that needs no memory of the call: Python bool, int within 64 bits, float, NumPy's float64. False for others.
bool simple_number(PyObject* o, minpy_value* out);

// Values that need no memory of the call but what is here: numbers, dtypes, arrays, short tuples of ints or arrays.
// add() is false for anything else, and where the library or NumPy must have a closer look.
class PlainValues {
public:
    bool add(PyObject* o, int32_t kind, minpy_value* out);
    bool add_ints(PyObject* const* items, Py_ssize_t n, minpy_value* out);
    int64_t elements() const { return elements_; }  // of all arrays

private:
    bool add_arrays(PyObject* o, minpy_value* out);
    enum { kInts = 16, kArrays = 8 };
    int64_t ints_[kInts];
    minpy_array arrays_[kArrays];
    Py_ssize_t n_ints_ = 0, n_arrays_ = 0;
    int64_t elements_ = 0;
};

// A slice of ints and None.
inline bool plain_slice(PyObject* o, minpy_slice* out) {
    auto end = [](PyObject* i, int64_t* at) {
        if (i == Py_None) return *at = MINPY_SLICE_NONE, true;
        return PyLong_CheckExact(i) && int_value(i, at) && *at != MINPY_SLICE_NONE;
    };
    auto* s = reinterpret_cast<PySliceObject*>(o);
    return end(s->start, &out->start) && end(s->stop, &out->stop) && end(s->step, &out->step);
}

// An index of that kind: ints, slices of ints, None, an ellipsis; alone or in a tuple.
struct PlainIndex {
    enum { kMost = 8 };
    minpy_value values[kMost];
    minpy_slice slices[kMost];
    int32_t n = 0;
    bool all_ints = true;
    bool parse(PyObject* key);

private:
    bool add(PyObject* o);
};

// ---- errors.cc
PyObject* raise_status(minpy_status status);  // sets the exception for this thread's error; returns NULL
int report_fp(const char* op);                // NumPy's errstate; -1 with an exception
inline int check_fp(const char* op) { return minpy_fp_status(0) ? report_fp(op) : 0; }
bool install_errors(PyObject* module);

// ---- operator.cc
enum { kMaxResults = 8 };
PyObject* find_operator(const char* name);  // borrowed; NULL without an exception if there is none
minpy_op op_of(PyObject* operator_object);
// A call that was rejected: NumPy runs it, or says in its own words what is wrong.
PyObject* numpy_fallback(PyObject* operator_object, PyObject* const* args, Py_ssize_t n, PyObject* kwnames,
                         const char* reason);
bool install_operator(PyObject* module);

// ---- fallback.cc (the work is minpy/_fallback.py)
PyObject* call_fallback(PyObject* numpy_callable, PyObject* const* args, Py_ssize_t n, PyObject* kwnames,
                        const char* reason);
PyObject* fallback_helper(const char* name);  // an attribute of minpy._fallback, borrowed

// ---- slots
bool install_number_slots();
bool install_members(PyTypeObject* type);
bool define_methods(PyTypeObject* type, PyMethodDef* methods);

// ---- methods.cc
bool install_methods(PyTypeObject* type);
// Values of a row for shapes: the array, and its integers where they are given. They are written where the call reads them:
// a copy of a value that was just stored in pieces waits for the pieces.
struct ShapeValues {
    ShapeValues() {}
    explicit ShapeValues(std::span<const int64_t> given) {
        *ints() = pointer_value(MINPY_V_INTS, given.size(), given.data());
    }
    minpy_value* ints() {
        n = 2;
        return &all[1];
    }
    minpy_value all[2];
    int32_t n = 1;
};
// A view of `self`, or a copy where strides do not allow one: what a row for shapes gives for plain values.
PyObject* reshaped(minpy_op op, PyObject* self, ShapeValues& values, bool always_view);
PyObject* copied(PyObject* self);               // in C order
PyObject* python_number(const minpy_value& v);  // of a SCALAR value: Python's own number

// ---- deferral.cc: calls on large arrays may be computed later
void prepare_deferral();      // tells the library what NumPy's errstate wants of them, and where this call is
void silent_deferral();       // nobody wants to hear of their conditions; needs no GIL
uint32_t heard_conditions();  // MINPY_FP_* that NumPy's errstate does not ignore
int report_named();           // warns of what deferred calls met; -1 with an exception
// A value that was looked at, after the warnings that this brought; NULL if one became an exception.
inline PyObject* heard(PyObject* value) {
    if (!(minpy_fp_status(0) & MINPY_FP_NAMED) || report_named() == 0) return value;
    Py_XDECREF(value);
    return nullptr;
}
bool install_deferral();

// Runs a call with that many elements in its operands; one that may be long without the GIL, one that may be deferred
// (core/fusion) with its conditions prepared.
constexpr int64_t kLong = 1 << 15, kDeferred = 1 << 16;
template <class F> minpy_status run(int64_t elements, F&& f) {
    if (elements < kLong) return f();
    if (elements >= kDeferred) prepare_deferral();
    minpy_status status;
    Py_BEGIN_ALLOW_THREADS;
    status = f();
    Py_END_ALLOW_THREADS;
    return status;
}

}  // namespace minpy::face

bool minpy_face_install(PyObject* module, PyTypeObject* type, void* swig_type);
#endif
