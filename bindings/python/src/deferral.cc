// Large element-wise calls are computed when their results are looked at. Before such a call the library hears which
// floating-point conditions NumPy's errstate wants to be warned of, and where the call is, so that a warning that comes
// later names both. Where errstate raises, or somebody watches warnings, calls run at once.
#include "bindings/python/src/face.h"

#include <frameobject.h>

#include <cstdio>
#include <cstring>

namespace minpy::face {
namespace {

PyObject* errstate_variable;  // NumPy's context variable, or NULL
PyObject* warnings_dict;      // of the module
PyObject* usual_filters;      // warnings.filters as it was; catch_warnings puts another list in its place
char package[1024];           // the folder of this package

// What the errstate seen last asks for; NumPy makes a new object for every change.
PyObject* known_state;
bool known_at_once;
uint32_t known_conditions;  // those it does not ignore

bool look_up(PyObject* state) {
    PyObject* errstate = fallback_helper("errstate");
    static PyObject* geterr;
    if (!geterr) {
        Ref numpy(PyImport_ImportModule("numpy"));
        geterr = numpy ? PyObject_GetAttrString(numpy.get(), "geterr") : nullptr;
    }
    Ref now(geterr ? PyObject_CallNoArgs(geterr) : nullptr);
    Ref wanted(now && errstate ? PyObject_CallOneArg(errstate, now.get()) : nullptr);
    if (!wanted) {
        PyErr_Clear();
        return false;
    }
    unsigned long conditions = PyLong_AsUnsignedLong(wanted.get());
    known_at_once = conditions & 256;
    known_conditions = uint32_t(conditions & 255);
    Py_XINCREF(state);
    Py_XSETREF(known_state, state);
    return true;
}

// Whether known_* is what NumPy's errstate asks for now.
bool know_state() {
    PyObject* state = nullptr;
    if (errstate_variable && PyContextVar_Get(errstate_variable, nullptr, &state) < 0) PyErr_Clear();
    Ref held(state);
    return (state && state == known_state) || look_up(state);
}

bool warnings_are_watched() {
    static PyObject* name = PyUnicode_InternFromString("filters");
    return !warnings_dict || PyDict_GetItem(warnings_dict, name) != usual_filters;
}

// "file:line" of the first frame outside this package.
void call_site(char* out, size_t room) {
    *out = 0;
    Ref frame(reinterpret_cast<PyObject*>(PyThreadState_GetFrame(PyThreadState_Get())));
    while (frame) {
        auto* f = reinterpret_cast<PyFrameObject*>(frame.get());
        Ref code(reinterpret_cast<PyObject*>(PyFrame_GetCode(f)));
        const char* file = PyUnicode_AsUTF8(reinterpret_cast<PyCodeObject*>(code.get())->co_filename);
        if (!file) return PyErr_Clear();
        if (!*package || std::strncmp(file, package, std::strlen(package)) != 0) {
            std::snprintf(out, room, "%s:%d", file, PyFrame_GetLineNumber(f));
            return;
        }
        frame = Ref(reinterpret_cast<PyObject*>(PyFrame_GetBack(f)));
    }
}

}  // namespace

void prepare_deferral() {
    bool known = know_state();
    uint32_t conditions = known_conditions & ~uint32_t(MINPY_FP_EMPTY);  // of calls that are not deferred
    if (!known || known_at_once || (conditions && warnings_are_watched())) {
        minpy_fp_defer(MINPY_FP_AT_ONCE, 0, nullptr);
        return;
    }
    char site[1200];
    if (conditions) call_site(site, sizeof site);
    minpy_fp_defer(MINPY_FP_BY_NAME, conditions, conditions ? site : nullptr);
}

uint32_t heard_conditions() { return know_state() ? known_conditions : ~0u; }

void silent_deferral() { minpy_fp_defer(MINPY_FP_BY_NAME, 0, nullptr); }

int report_named() {
    minpy_buffer lines = nullptr;
    if (minpy_fp_take(&lines)) {
        raise_status(MINPY_E_NOMEM);
        return -1;
    }
    uint64_t size = 0;
    const char* data = minpy_buffer_data(lines, &size);
    Ref text(PyUnicode_DecodeUTF8(data, Py_ssize_t(size), "replace"));
    minpy_buffer_release(lines);
    PyObject* report = text ? fallback_helper("report_named") : nullptr;
    Ref result(report ? PyObject_CallOneArg(report, text.get()) : nullptr);
    return result ? 0 : -1;
}

bool install_deferral() {
    Ref umath(PyImport_ImportModule("numpy._core.umath"));
    errstate_variable = umath ? PyObject_GetAttrString(umath.get(), "_extobj_contextvar") : nullptr;
    Ref warnings(PyImport_ImportModule("warnings"));
    if (!warnings) return false;
    warnings_dict = PyModule_GetDict(warnings.get());
    Py_INCREF(warnings_dict);
    usual_filters = PyDict_GetItemString(warnings_dict, "filters");
    Py_XINCREF(usual_filters);
    Ref minpy(PyImport_ImportModule("minpy"));
    Ref file(minpy ? PyObject_GetAttrString(minpy.get(), "__file__") : nullptr);
    const char* path = file ? PyUnicode_AsUTF8(file.get()) : nullptr;
    if (const char* end = path ? std::strrchr(path, '/') : nullptr)
        std::snprintf(package, sizeof package, "%.*s", int(end + 1 - path), path);
    PyErr_Clear();
    return true;
}

}  // namespace minpy::face
