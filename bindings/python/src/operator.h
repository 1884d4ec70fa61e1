// The Python object of an operator: what it needs to parse a call without a look at the schema.
#ifndef MINPY_PYTHON_OPERATOR_H
#define MINPY_PYTHON_OPERATOR_H
#include <string>
#include <vector>

#include "face.h"

namespace minpy::face {

struct Parameter {
    PyObject* name;  // interned
    int32_t kind;
    uint32_t flags;
    bool variadic;  // "*operands": takes the positional arguments that are left
    bool required() const { return !(flags & (MINPY_PARAM_OPTIONAL | MINPY_PARAM_HAS_DEFAULT)); }
};

constexpr int kOut = -1;  // in `positional`: NumPy's out, which is an option of the call and no parameter

struct OperatorObject {
    PyObject_HEAD vectorcallfunc vectorcall;
    minpy_op op;
    uint32_t flags;  // MINPY_OP_*
    int32_t n_inputs, n_outputs;
    int n_required;     // parameters without a default
    int n_in_order;     // leading parameters whose place in a call is their place in the schema
    bool read_only;     // NumPy's views of this name are read-only
    bool method;        // stands for numpy.ndarray's method of this name
    std::string* name;  // the registry's
    std::string* short_name;
    std::vector<Parameter>* parameters;
    std::vector<int>* positional;
    PyObject* numpy;   // NumPy's callable, None if it has none; NULL before it was looked for
    PyObject* fewer;   // what a call with fewer arguments means: where(condition), or NULL
    PyObject* finish;  // makes the result that NumPy has (a named tuple) from ours, or NULL
    PyObject* dict;
};

extern PyTypeObject operator_type, ufunc_type, method_type;
inline OperatorObject* as_operator(PyObject* o) { return reinterpret_cast<OperatorObject*>(o); }
inline bool is_operator(PyObject* o) { return PyObject_TypeCheck(o, &operator_type); }

PyObject* call_operator(PyObject* self, PyObject* const* args, size_t nargsf,
                        PyObject* kwnames);  // operator_call.cc
PyObject* make_operator(const char* name, minpy_op op, bool method);

}  // namespace minpy::face
#endif
