// The Python module minpy._minpy. The array type gets its slots from bindings/python/src; the C functions for contexts,
// symbols, functions, files and statistics are wrapped by the typemaps below and used by the package's own Python.
%module(package="minpy") minpy

// ---- the array type: SWIG's builtin type for minpy_array_s, its slots our own functions

%define SLOT(slot, function)
%feature("python:" #slot, #function) minpy_array_s;
%enddef
// An operation and its in-place form.
%define UNARY(slot)
SLOT(nb_##slot, minpy_face_nb_##slot)
%{
extern "C" PyObject* minpy_face_nb_##slot(PyObject*);
%}
%enddef
%define BINARY(slot)
SLOT(nb_##slot, minpy_face_nb_##slot)
%{
extern "C" PyObject* minpy_face_nb_##slot(PyObject*, PyObject*);
%}
%enddef
%define BOTH(slot)
BINARY(slot)
BINARY(inplace_##slot)
%enddef

%{
#include "face.h"
#include "tape.h"
using minpy::face::handle_of;
using minpy::face::is_array;
using minpy::face::parse_device;
using minpy::face::parse_dtype;
using minpy::face::raise_status;
using minpy::face::wrap_array;
extern "C" {
void minpy_face_array_dealloc(PyObject*);
int minpy_face_getbuffer(PyObject*, Py_buffer*, int);
PyObject* minpy_face_richcompare(PyObject*, PyObject*, int);
PyObject* minpy_face_iter(PyObject*);
PyObject* minpy_face_repr(PyObject*);
PyObject* minpy_face_str(PyObject*);
PyObject* minpy_face_mp_subscript(PyObject*, PyObject*);
int minpy_face_mp_ass_subscript(PyObject*, PyObject*, PyObject*);
PyObject* minpy_face_sq_item(PyObject*, Py_ssize_t);
Py_ssize_t minpy_face_length(PyObject*);
int minpy_face_contains(PyObject*, PyObject*);
PyObject* minpy_face_nb_true_divide(PyObject*, PyObject*);
PyObject* minpy_face_nb_inplace_true_divide(PyObject*, PyObject*);
PyObject* minpy_face_concat(PyObject*, PyObject*);
int minpy_face_sq_ass_item(PyObject*, Py_ssize_t, PyObject*);
int minpy_face_nb_bool(PyObject*);
PyObject* minpy_face_nb_int(PyObject*);
PyObject* minpy_face_nb_float(PyObject*);
PyObject* minpy_face_nb_index(PyObject*);
PyObject* minpy_face_nb_power(PyObject*, PyObject*, PyObject*);
PyObject* minpy_face_nb_inplace_power(PyObject*, PyObject*, PyObject*);
}
%}
BOTH(add)
BOTH(subtract)
BOTH(multiply)
SLOT(nb_divide, minpy_face_nb_true_divide)
SLOT(nb_inplace_divide, minpy_face_nb_inplace_true_divide)
BOTH(floor_divide)
BOTH(remainder)
BOTH(lshift)
BOTH(rshift)
BOTH(and)
BOTH(or)
BOTH(xor)
BOTH(matrix_multiply)
BINARY(divmod)
UNARY(negative)
UNARY(positive)
UNARY(absolute)
UNARY(invert)
SLOT(nb_power, minpy_face_nb_power)
SLOT(nb_inplace_power, minpy_face_nb_inplace_power)
SLOT(nb_nonzero, minpy_face_nb_bool)
SLOT(nb_int, minpy_face_nb_int)
SLOT(nb_float, minpy_face_nb_float)
SLOT(nb_index, minpy_face_nb_index)
SLOT(mp_length, minpy_face_length)
SLOT(mp_subscript, minpy_face_mp_subscript)
SLOT(mp_ass_subscript, minpy_face_mp_ass_subscript)
SLOT(sq_length, minpy_face_length)
SLOT(sq_item, minpy_face_sq_item)
SLOT(sq_concat, minpy_face_concat)
SLOT(sq_ass_item, minpy_face_sq_ass_item)
SLOT(sq_contains, minpy_face_contains)
SLOT(bf_getbuffer, minpy_face_getbuffer)
SLOT(tp_richcompare, minpy_face_richcompare)
SLOT(tp_hash, PyObject_HashNotImplemented)
SLOT(tp_iter, minpy_face_iter)
SLOT(tp_repr, minpy_face_repr)
SLOT(tp_str, minpy_face_str)
SLOT(tp_dealloc, minpy_face_array_dealloc)
SLOT(tp_basicsize, sizeof(minpy::face::ArrayObject))
SLOT(tp_weaklistoffset, offsetof(minpy::face::ArrayObject, weakrefs))
SLOT(tp_dictoffset, 0)
%feature("python:tp_doc", "\"An n-dimensional array with NumPy's semantics, on CPU or GPU.\"") minpy_array_s;
%rename(ndarray) minpy_array_s;

// ---- the other handles: objects that release what they hold

%define HANDLE(name, type)
%rename(name) type##_s;
%extend type##_s {
    ~type##_s() { type##_release($self); }
}
%typemap(in, numinputs = 0) type *out (type temp = nullptr) "$1 = &temp;"
%typemap(argout) type *out {
    %append_output(SWIG_NewPointerObj(*$1, $descriptor(type##_s *), SWIG_POINTER_OWN));
}
%enddef
HANDLE(Context_, minpy_context)
HANDLE(Function_, minpy_function)
HANDLE(Symbol_, minpy_symbol)
HANDLE(Tape_, minpy_tape)
HANDLE(Rng_, minpy_rng)
HANDLE(Archive_, minpy_archive)

// ---- typemaps by the header's names

%typemap(out) minpy_status {
    if ($1) {
        raise_status($1);
        SWIG_fail;
    }
    $result = Py_NewRef(Py_None);
}
%typemap(in) minpy_array {
    if (!is_array($input)) {
        PyErr_Format(PyExc_TypeError, "an array is needed, not %s", Py_TYPE($input)->tp_name);
        SWIG_fail;
    }
    $1 = handle_of($input);
}
%typemap(in, numinputs = 0) minpy_array *out (minpy_array temp = nullptr) "$1 = &temp;"
%typemap(argout) minpy_array *out { %append_output(wrap_array(*$1)); }
%typemap(in) minpy_device {
    if (!parse_device($input, &$1)) SWIG_fail;
}
%typemap(in, numinputs = 0) minpy_buffer *out (minpy_buffer temp = nullptr) "$1 = &temp;"
%typemap(argout) minpy_buffer *out {
    uint64_t size;
    const char *data = minpy_buffer_data(*$1, &size);
    PyObject *bytes = PyBytes_FromStringAndSize(data, static_cast<Py_ssize_t>(size));
    minpy_buffer_release(*$1);
    if (!bytes) SWIG_fail;
    %append_output(bytes);
}
%typemap(in, numinputs = 0) int32_t *out (int32_t temp = 0) "$1 = &temp;"
%typemap(argout) int32_t *out { %append_output(PyLong_FromLong(*$1)); }
// A list of symbols with names or None: (inputs, input_names, n_inputs) of minpy_symbol_apply.
%typemap(in) (const minpy_symbol *symbols, int32_t n) (std::vector<minpy_symbol> list) {
    Py_ssize_t n = PySequence_Size($input);
    if (n < 0) SWIG_fail;
    for (Py_ssize_t i = 0; i < n; i++) {
        minpy::face::Ref item(PySequence_GetItem($input, i));
        void *p = nullptr;
        if (!item || !SWIG_IsOK(SWIG_ConvertPtr(item.get(), &p, $descriptor(minpy_symbol_s *), 0))) {
            PyErr_SetString(PyExc_TypeError, "symbols are needed");
            SWIG_fail;
        }
        list.push_back(static_cast<minpy_symbol>(p));
    }
    $1 = list.data();
    $2 = static_cast<int32_t>(list.size());
}
%typemap(in) (const minpy_symbol *inputs, const char *const *input_names, int32_t n_inputs)
        (std::vector<minpy_symbol> list, std::vector<const char *> names) {
    Py_ssize_t n = PySequence_Size($input);
    if (n < 0) SWIG_fail;
    for (Py_ssize_t i = 0; i < n; i++) {
        minpy::face::Ref item(PySequence_GetItem($input, i));
        PyObject *symbol, *name;
        void *p = nullptr;
        if (!item || !PyArg_ParseTuple(item.get(), "OO", &symbol, &name)) SWIG_fail;
        if (!SWIG_IsOK(SWIG_ConvertPtr(symbol, &p, $descriptor(minpy_symbol_s *), 0))) {
            PyErr_SetString(PyExc_TypeError, "symbols are needed");
            SWIG_fail;
        }
        list.push_back(static_cast<minpy_symbol>(p));
        names.push_back(name == Py_None ? nullptr : PyUnicode_AsUTF8(name));
    }
    $1 = list.data();
    $2 = const_cast<char **>(names.data());
    $3 = static_cast<int32_t>(list.size());
}
%typemap(in) (const char *const *inputs, int32_t n_inputs) (std::vector<const char *> names) {
    if ($input == Py_None) {
        $1 = nullptr;
        $2 = 0;
    } else {
        for (Py_ssize_t i = 0; i < PySequence_Size($input); i++) {
            minpy::face::Ref item(PySequence_GetItem($input, i));
            names.push_back(item ? PyUnicode_AsUTF8(item.get()) : nullptr);
            if (!names.back()) SWIG_fail;
        }
        $1 = const_cast<char **>(names.data());
        $2 = static_cast<int32_t>(names.size());
    }
}
%typemap(in) (const char *json, uint64_t size) {
    Py_ssize_t n;
    $1 = const_cast<char *>(PyUnicode_AsUTF8AndSize($input, &n));
    if (!$1) SWIG_fail;
    $2 = static_cast<uint64_t>(n);
}
%typemap(in) (const void *data, uint64_t size) {
    char *p;
    Py_ssize_t n;
    if (PyBytes_AsStringAndSize($input, &p, &n) < 0) SWIG_fail;
    $1 = p;
    $2 = static_cast<uint64_t>(n);
}
%typemap(in) (const char *const *names, const minpy_array *arrays, int32_t n)
        (std::vector<const char *> names, std::vector<minpy_array> list) {
    PyObject *key, *value;
    Py_ssize_t i = 0;
    if (!PyDict_Check($input)) {
        PyErr_SetString(PyExc_TypeError, "a dict of arrays is needed");
        SWIG_fail;
    }
    while (PyDict_Next($input, &i, &key, &value)) {
        names.push_back(PyUnicode_AsUTF8(key));
        if (!names.back() || !is_array(value)) {
            if (!PyErr_Occurred()) PyErr_SetString(PyExc_TypeError, "a dict of arrays is needed");
            SWIG_fail;
        }
        list.push_back(handle_of(value));
    }
    $1 = const_cast<char **>(names.data());
    $2 = list.data();
    $3 = static_cast<int32_t>(list.size());
}
%typemap(in, numinputs = 0) minpy_context_info *io (minpy_context_info temp) {
    temp = {};
    temp.struct_size = sizeof temp;
    $1 = &temp;
}
%typemap(argout) minpy_context_info *io {
    %append_output(Py_BuildValue("iiiii", $1->policy, $1->fallback, $1->training, $1->device.kind, $1->device.index));
}
%typemap(in, numinputs = 0) minpy_memory_stats *io (minpy_memory_stats temp) {
    temp = {};
    temp.struct_size = sizeof temp;
    $1 = &temp;
}
%typemap(argout) minpy_memory_stats *io {
    %append_output(Py_BuildValue("{sKsKsKsKsKsKsK}", "in_use", $1->in_use, "cached", $1->cached, "peak", $1->peak,
                                 "limit", $1->limit, "n_allocs", $1->n_allocs, "live_arrays", $1->live_arrays,
                                 "live_handles", $1->live_handles));
}
%typemap(in, numinputs = 0) minpy_device_info *io (minpy_device_info temp) {
    temp = {};
    temp.struct_size = sizeof temp;
    $1 = &temp;
}
%typemap(argout) minpy_device_info *io {
    %append_output(Py_BuildValue("{sisssssKsK}", "available", $1->available, "name", $1->name, "backend", $1->backend,
                                 "total_bytes", $1->total_bytes, "free_bytes", $1->free_bytes));
}
%typemap(in) uint64_t words[3] (uint64_t temp[3] = {0, 0, 0}) {
    if ($input != Py_None && !PyArg_ParseTuple($input, "KKK", &temp[0], &temp[1], &temp[2])) SWIG_fail;
    $1 = temp;
}
%typemap(argout) uint64_t words[3] {
    %append_output(Py_BuildValue("KKK", temp$argnum[0], temp$argnum[1], temp$argnum[2]));
}

// Served by bindings/python/src, or of no use without pointers.
%ignore minpy_array_info;
%ignore minpy_context_info;
%ignore minpy_param_info;
%ignore minpy_op_info;
%ignore minpy_call_options;
%ignore minpy_function_desc;
%ignore minpy_device_info;
%ignore minpy_memory_stats;
%ignore minpy_value;
%ignore minpy_slice;
%ignore minpy_device;
// What the package's Python calls; the rest of the header is served by C++ directly, or is an operator already.
%rename("%(regex:/^minpy_(.*)$/\\1/)s", %$isfunction) "";
%rename("$ignore", notregexmatch$name="^(minpy_((abi_)?version|has_feature|context_(new|push|pop|get_info|set_(device|policy|training|tape|rng))|op_list|dispatch_|explain|tape_(new|close)|function_(from_symbol|compile|report)|recording_abandon|register_kernel|symbol_(?!retain|release)|device_|memory_(get_stats|trim|set_limit)|np[yz]_|archive_(count|name|get)|rng_(new|state)|fp_status|backend_|log_poll|profiler_).*|tape_.*|recording_abandon|is_traced|function_.*|register_op)$", %$isfunction) "";

%include "minpy.i"

// ---- written by hand in tape.cc

%newobject function_new;
PyObject *tape_watch(minpy_tape t, PyObject *arrays);
PyObject *tape_gradient(minpy_tape t, PyObject *heads, PyObject *seeds, PyObject *wrt, unsigned flags);
PyObject *tape_differentiate(PyObject *function, PyObject *argnums, PyObject *args, PyObject *kwargs);
PyObject *tape_jvp(minpy_tape t, PyObject *heads, PyObject *wrt, PyObject *tangents);
PyObject *is_traced(PyObject *o);
PyObject *tape_follows(PyObject *o);
PyObject *function_call(minpy_function f, PyObject *args);
%exception function_new {
    $action
    if (!result) SWIG_fail;
}
minpy_function function_new(const char *name, PyObject *on_forward, PyObject *on_backward);
%exception;
%inline %{
minpy_status register_op(const char *signature, const char *doc, minpy_function f) {
    minpy_op op;
    return minpy_register_op(signature, doc, f, &op);
}
%}

%init %{
    if (!minpy_face_install(m, reinterpret_cast<PyTypeObject *>(&SwigPyBuiltin__minpy_array_s_type),
                            SWIGTYPE_p_minpy_array_s))
        return nullptr;
%}
