// The way to NumPy for what the library does not take. The work is done in Python (minpy/_fallback.py): it is
// the slow road by definition.
#include <string>
#include <unordered_map>

#include "face.h"

namespace minpy::face {

PyObject* fallback_helper(const char* name) {
    static auto* helpers = new std::unordered_map<std::string, PyObject*>;
    auto known = helpers->find(name);
    if (known != helpers->end()) return known->second;
    Ref module(PyImport_ImportModule("minpy._fallback"));
    PyObject* helper = module ? PyObject_GetAttrString(module.get(), name) : nullptr;
    if (helper) (*helpers)[name] = helper;
    return helper;
}

PyObject* call_fallback(PyObject* numpy_callable, PyObject* const* args, Py_ssize_t n, PyObject* kwnames,
                        const char* reason) {
    PyObject* call = fallback_helper("call");
    if (!call) return nullptr;
    Ref positional(PyTuple_New(n));
    Ref keywords(PyDict_New());
    if (!positional || !keywords) return nullptr;
    for (Py_ssize_t i = 0; i < n; i++) PyTuple_SET_ITEM(positional.get(), i, Py_NewRef(args[i]));
    for (Py_ssize_t i = 0; kwnames && i < PyTuple_GET_SIZE(kwnames); i++)
        if (PyDict_SetItem(keywords.get(), PyTuple_GET_ITEM(kwnames, i), args[n + i]) < 0) return nullptr;
    return PyObject_CallFunction(call, "OsOO", numpy_callable, reason, positional.get(), keywords.get());
}

}  // namespace minpy::face
