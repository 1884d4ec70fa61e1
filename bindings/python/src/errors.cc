// The library's errors as NumPy's exceptions, and floating-point conditions as numpy.errstate wants them.
#include <string>

#include "tape.h"

namespace minpy::face {
namespace {

PyObject* kinds;  // dict: kind -> exception class

PyObject* exception_class(const char* kind, minpy_status status) {
    if (*kind) {
        if (PyObject* known = PyDict_GetItemString(kinds, kind)) return known;
    }
    switch (status) {
        case MINPY_E_TYPE: return PyExc_TypeError;
        case MINPY_E_INDEX: return PyExc_IndexError;
        case MINPY_E_NOMEM: return PyExc_MemoryError;
        case MINPY_E_NOTFOUND: return PyExc_KeyError;
        case MINPY_E_UNSUPPORTED: return PyExc_NotImplementedError;
        case MINPY_E_IO: return PyExc_OSError;
        case MINPY_E_INVALID:
        case MINPY_E_SHAPE: return PyExc_ValueError;
        case MINPY_E_LINALG: {
            PyObject* known = PyDict_GetItemString(kinds, "LinAlgError");
            return known ? known : PyExc_ValueError;
        }
        default: return PyExc_RuntimeError;
    }
}

bool add_kind(const char* module, const char* name) {
    Ref m(PyImport_ImportModule(module));
    Ref c(m ? PyObject_GetAttrString(m.get(), name) : nullptr);
    return c && PyDict_SetItemString(kinds, name, c.get()) == 0;
}

// The exception of a Python callback, until the call that it made fail comes back.
thread_local PyObject *kept_type, *kept_value, *kept_trace;

}  // namespace

void keep_callback_exception() {
    Py_CLEAR(kept_type);
    Py_CLEAR(kept_value);
    Py_CLEAR(kept_trace);
    PyErr_Fetch(&kept_type, &kept_value, &kept_trace);
}

PyObject* raise_status(minpy_status status) {
    if (PyErr_Occurred()) return nullptr;
    if (kept_type) {
        PyErr_Restore(kept_type, kept_value, kept_trace);
        kept_type = kept_value = kept_trace = nullptr;
        return nullptr;
    }
    minpy_error error = nullptr;
    if (minpy_error_take(&error)) {
        PyErr_Format(PyExc_RuntimeError, "libminpy reported status %d", status);
        return nullptr;
    }
    PyObject* type = exception_class(minpy_error_text(error, MINPY_ERROR_KIND), minpy_error_code(error));
    Ref text(PyUnicode_DecodeUTF8(minpy_error_text(error, MINPY_ERROR_MESSAGE),
                                  static_cast<Py_ssize_t>(strlen(minpy_error_text(error, MINPY_ERROR_MESSAGE))),
                                  "replace"));
    Ref exception(text ? PyObject_CallOneArg(type, text.get()) : nullptr);
    if (exception) {
        // Who and what, for those who look: NumPy's sentence itself stays as it is.
        const std::pair<const char*, int32_t> parts[] = {
            {"operator", MINPY_ERROR_OP}, {"argument", MINPY_ERROR_ARGUMENT}, {"detail", MINPY_ERROR_FULL}};
        for (auto [name, what] : parts) {
            Ref part(PyUnicode_FromString(minpy_error_text(error, what)));
            if (!part || PyObject_SetAttrString(exception.get(), name, part.get()) < 0) PyErr_Clear();
        }
        PyErr_SetObject(type, exception.get());
    }
    minpy_error_release(error);
    return nullptr;
}

int report_fp(const char* op) {
    if ((minpy_fp_status(0) & MINPY_FP_NAMED) && report_named() < 0) return -1;
    uint32_t flags = minpy_fp_status(1);
    if (!flags || !(flags & heard_conditions())) return 0;
    PyObject* report = fallback_helper("report_fp");
    if (!report) return -1;
    Ref result(PyObject_CallFunction(report, "Is", flags, op));
    return result ? 0 : -1;
}

bool install_errors(PyObject*) {
    kinds = PyDict_New();
    for (const char* name :
         {"ValueError", "TypeError", "IndexError", "KeyError", "ZeroDivisionError", "OverflowError", "MemoryError",
          "NotImplementedError", "RuntimeError", "FloatingPointError", "OSError", "AttributeError", "BufferError"})
        if (!add_kind("builtins", name)) return false;
    return add_kind("numpy.exceptions", "AxisError") && add_kind("numpy.linalg", "LinAlgError") &&
           add_kind("numpy.exceptions", "DTypePromotionError") && add_kind("numpy.exceptions", "TooHardError") &&
           add_kind("numpy._core._exceptions", "UFuncTypeError");
}

}  // namespace minpy::face
