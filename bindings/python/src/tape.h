// Functions that python.i declares to SWIG.
#ifndef MINPY_PYTHON_TAPE_H
#define MINPY_PYTHON_TAPE_H
#include "face.h"

PyObject* tape_watch(minpy_tape t, PyObject* arrays);
PyObject* tape_gradient(minpy_tape t, PyObject* heads, PyObject* seeds, PyObject* wrt, unsigned flags);
// function(*args, **kwargs) on a tape of its own: (gradients with respect to args[i] for i in argnums, result). None, with
// nothing done, where an argument is more than an array.
PyObject* tape_differentiate(PyObject* function, PyObject* argnums, PyObject* args, PyObject* kwargs);
PyObject* tape_jvp(minpy_tape t, PyObject* heads, PyObject* wrt, PyObject* tangents);
PyObject* is_traced(PyObject* o);
PyObject* tape_follows(PyObject* o);
PyObject* function_call(minpy_function f, PyObject* args);
minpy_function function_new(const char* name, PyObject* on_forward, PyObject* on_backward);

namespace minpy::face {
PyObject* borrowed_value_to_python(minpy_value v);  // convert.cc: of an argument, which stays the caller's
void keep_callback_exception();                     // errors.cc
}  // namespace minpy::face
#endif
