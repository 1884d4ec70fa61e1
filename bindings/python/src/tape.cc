// Tapes, functions and callbacks: what has lists of arrays on both sides, or calls back into Python. Declared
// to SWIG in python.i.
#include "tape.h"

#include <memory>

#include "operator.h"

namespace minpy::face {
namespace {

bool handles(PyObject* sequence, std::vector<minpy_array>* out, bool none_allowed) {
    Ref list(PySequence_Fast(sequence, "a sequence of arrays is needed"));
    if (!list) return false;
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(list.get()); i++) {
        PyObject* o = PySequence_Fast_GET_ITEM(list.get(), i);
        if (is_array(o)) {
            out->push_back(handle_of(o));
        } else if (none_allowed && o == Py_None) {
            out->push_back(nullptr);
        } else {
            PyErr_Format(PyExc_TypeError, "an array is needed, not %s", Py_TYPE(o)->tp_name);
            return false;
        }
    }
    return true;
}

PyObject* wrap_all(std::vector<minpy_array>& arrays) {
    PyObject* list = PyList_New(static_cast<Py_ssize_t>(arrays.size()));
    for (size_t i = 0; i < arrays.size(); i++) {
        PyObject* o = !list ? nullptr : arrays[i] ? wrap_array(arrays[i]) : Py_NewRef(Py_None);
        if (!list) minpy_array_release(arrays[i]);
        else PyList_SET_ITEM(list, static_cast<Py_ssize_t>(i), o);
    }
    return list;
}

// A tape that is the current one until `end`.
class Recording {
public:
    Recording() = default;
    Recording(const Recording&) = delete;
    ~Recording() {
        end();
        minpy_tape_close(tape);
        minpy_tape_release(tape);
    }
    minpy_status begin() {
        minpy_status status = minpy_tape_new(0, &tape);
        if (!status) status = minpy_context_new(&context_);
        if (!status) status = minpy_context_set_tape(context_, tape);
        if (!status) status = minpy_context_push(context_);
        pushed_ = !status;
        return status;
    }
    void end() {
        if (pushed_) minpy_context_pop();
        pushed_ = false;
        minpy_context_release(context_);
        context_ = nullptr;
    }
    minpy_tape tape = nullptr;

private:
    minpy_context context_ = nullptr;
    bool pushed_ = false;
};

// The arrays of a result, also inside tuples and lists.
bool add_heads(PyObject* result, std::vector<minpy_array>* heads) {
    if (is_array(result)) {
        heads->push_back(handle_of(result));
    } else if (PyTuple_Check(result) || PyList_Check(result)) {
        if (Py_EnterRecursiveCall(" in the result of a function that is differentiated")) return false;
        bool good = true;
        for (Py_ssize_t i = 0; good && i < PySequence_Fast_GET_SIZE(result); i++)
            good = add_heads(PySequence_Fast_GET_ITEM(result, i), heads);
        Py_LeaveRecursiveCall();
        return good;
    }
    return true;
}

// The positions of the arguments, each once and an array; false where they are not that simple.
bool plain_positions(PyObject* argnums, PyObject* args, std::vector<Py_ssize_t>* positions) {
    Py_ssize_t n = PyTuple_GET_SIZE(args);
    for (Py_ssize_t k = 0; k < PyTuple_GET_SIZE(argnums); k++) {
        Py_ssize_t i = PyLong_AsSsize_t(PyTuple_GET_ITEM(argnums, k));
        if (i == -1 && PyErr_Occurred()) PyErr_Clear();
        if (i < 0) i += n;
        if (i < 0 || i >= n || !is_exact_array(PyTuple_GET_ITEM(args, i))) return false;
        for (Py_ssize_t other : *positions)
            if (PyTuple_GET_ITEM(args, other) == PyTuple_GET_ITEM(args, i)) return false;
        positions->push_back(i);
    }
    return true;
}

struct Callbacks {
    PyObject *forward, *backward;
};

void drop_callbacks(void* payload) {
    auto* c = static_cast<Callbacks*>(payload);
    release_later(c->forward);
    if (c->backward) release_later(c->backward);
    delete c;
}

// Runs a Python callable on values; its exception is kept and comes through raise_status.
minpy_status call_python(PyObject* callable, const minpy_value* args, int32_t n_args, minpy_value* results,
                         int32_t* n_results) {
    PyGILState_STATE gil = PyGILState_Ensure();
    minpy_status status = MINPY_OK;
    {
        Ref tuple(PyTuple_New(n_args));
        for (int32_t i = 0; tuple && i < n_args; i++) {
            minpy_value v = args[i];
            PyObject* o;
            if (v.tag == MINPY_V_ARRAY) {
                o = wrap_array(minpy_array_retain(static_cast<minpy_array>(const_cast<void*>(v.v.p))));
            } else if (v.tag == MINPY_V_ARRAYS) {
                auto* list = static_cast<const minpy_array*>(v.v.p);
                std::vector<minpy_array> kept(list, list + v.len);
                for (minpy_array a : kept) minpy_array_retain(a);
                o = wrap_all(kept);
            } else if (v.tag == MINPY_V_INTS || v.tag == MINPY_V_FLOATS || v.tag == MINPY_V_STRING ||
                       v.tag == MINPY_V_SCALAR || v.tag == MINPY_V_COMPLEX || v.tag == MINPY_V_BIGINT ||
                       v.tag == MINPY_V_VALUES) {
                o = borrowed_value_to_python(v);
            } else {
                o = value_to_python(&v, false);
            }
            if (!o) {
                tuple = Ref();
                break;
            }
            PyTuple_SET_ITEM(tuple.get(), i, o);
        }
        Ref answer(tuple ? PyObject_CallObject(callable, tuple.get()) : nullptr);
        Ref list;
        if (answer)
            list = Ref(PyTuple_Check(answer.get()) || PyList_Check(answer.get()) ? PySequence_Tuple(answer.get())
                                                                                 : PyTuple_Pack(1, answer.get()));
        if (!list) {
            status = MINPY_E_CALLBACK;
        } else if (PyTuple_GET_SIZE(list.get()) > *n_results) {
            *n_results = static_cast<int32_t>(PyTuple_GET_SIZE(list.get()));
            status = minpy_error_set(MINPY_E_INVALID, "ValueError", "the callback returned too many results");
        } else {
            int32_t n = static_cast<int32_t>(PyTuple_GET_SIZE(list.get()));
            for (int32_t i = 0; i < n; i++) {
                results[i] = {MINPY_V_NONE, 0, {0}};
                PyObject* o = PyTuple_GET_ITEM(list.get(), i);
                if (o == Py_None) continue;
                Arguments arguments;
                minpy_value v;
                if (is_array(o) || PyArray_Check(o) || PyList_Check(o)) {
                    if (arguments.array(o, &v, true) != Converted::ok) {
                        status = MINPY_E_CALLBACK;
                        break;
                    }
                    results[i].tag = MINPY_V_ARRAY;
                    results[i].v.p = minpy_array_retain(static_cast<minpy_array>(const_cast<void*>(v.v.p)));
                } else {
                    Ref numpy(PyArray_FromAny(o, nullptr, 0, 0, 0, nullptr));
                    minpy_array a = numpy ? copy_numpy(reinterpret_cast<PyArrayObject*>(numpy.get())) : nullptr;
                    if (!a) {
                        status = MINPY_E_CALLBACK;
                        break;
                    }
                    results[i].tag = MINPY_V_ARRAY;
                    results[i].v.p = a;
                }
            }
            if (!status) *n_results = n;
        }
        if (status == MINPY_E_CALLBACK) {
            if (!PyErr_Occurred()) PyErr_SetString(PyExc_TypeError, "the callback's results are no arrays");
            keep_callback_exception();
            minpy_error_set(status, "RuntimeError", "a Python callback raised an exception");
        }
    }
    PyGILState_Release(gil);
    return status;
}

minpy_status forward(void* payload, const minpy_value* args, int32_t n, minpy_value* results, int32_t* n_results) {
    return call_python(static_cast<Callbacks*>(payload)->forward, args, n, results, n_results);
}
minpy_status backward(void* payload, const minpy_value* args, int32_t n, minpy_value* results, int32_t* n_results) {
    return call_python(static_cast<Callbacks*>(payload)->backward, args, n, results, n_results);
}

}  // namespace
}  // namespace minpy::face

using namespace minpy::face;

PyObject* tape_watch(minpy_tape t, PyObject* arrays) {
    std::vector<minpy_array> in;
    if (!handles(arrays, &in, false)) return nullptr;
    std::vector<minpy_array> out(in.size());
    minpy_status status = minpy_tape_watch(t, in.data(), static_cast<int32_t>(in.size()), out.data());
    if (status) return raise_status(status);
    // The same handle back is the same Python object: code that reads it through a closure finds it marked.
    Ref list(PySequence_List(arrays));
    for (size_t i = 0; list && i < out.size(); i++) {
        if (out[i] == in[i]) {
            minpy_array_release(out[i]);
        } else {
            PyObject* o = wrap_array(out[i]);
            if (!o) return nullptr;
            PyList_SetItem(list.get(), static_cast<Py_ssize_t>(i), o);
        }
    }
    return list.release();
}

PyObject* tape_gradient(minpy_tape t, PyObject* heads, PyObject* seeds, PyObject* wrt, unsigned flags) {
    std::vector<minpy_array> h, s, w;
    if (!handles(heads, &h, false) || !handles(wrt, &w, false)) return nullptr;
    if (seeds != Py_None && !handles(seeds, &s, true)) return nullptr;
    std::vector<minpy_array> out(w.size());
    minpy_status status = run(kLong, [&] {
        silent_deferral();
        return minpy_tape_gradient(t, h.data(), s.empty() ? nullptr : s.data(), static_cast<int32_t>(h.size()),
                                   w.data(), static_cast<int32_t>(w.size()), flags, out.data());
    });
    if (status) return raise_status(status);
    minpy_fp_status(1);
    return wrap_all(out);
}

PyObject* tape_differentiate(PyObject* function, PyObject* argnums, PyObject* args, PyObject* kwargs) {
    if (!PyTuple_Check(argnums) || !PyTuple_Check(args) || !PyDict_Check(kwargs)) {
        PyErr_SetString(PyExc_TypeError, "tape_differentiate(function, tuple of positions, tuple, dict)");
        return nullptr;
    }
    std::vector<Py_ssize_t> positions;
    if (!plain_positions(argnums, args, &positions)) Py_RETURN_NONE;
    std::vector<minpy_array> given, watched(positions.size()), heads;
    for (Py_ssize_t i : positions) given.push_back(handle_of(PyTuple_GET_ITEM(args, i)));
    int32_t n = static_cast<int32_t>(given.size());
    Recording recording;
    minpy_status status = recording.begin();
    if (!status) status = minpy_tape_watch(recording.tape, given.data(), n, watched.data());
    if (status) return raise_status(status);
    // The same handle back is the same Python object: code that reads it through a closure finds it marked.
    Ref aliased;
    for (size_t k = 0; k < watched.size(); k++) {
        if (watched[k] == given[k]) {
            minpy_array_release(watched[k]);
            continue;
        }
        PyObject* alias = wrap_array(watched[k]);
        if (alias && !aliased) aliased = Ref(PyTuple_New(PyTuple_GET_SIZE(args)));
        if (!alias || !aliased) {
            Py_XDECREF(alias);
            for (size_t rest = k + 1; rest < watched.size(); rest++) minpy_array_release(watched[rest]);
            return nullptr;
        }
        PyTuple_SET_ITEM(aliased.get(), positions[k], alias);
    }
    for (Py_ssize_t i = 0; aliased && i < PyTuple_GET_SIZE(args); i++)
        if (!PyTuple_GET_ITEM(aliased.get(), i))
            PyTuple_SET_ITEM(aliased.get(), i, Py_NewRef(PyTuple_GET_ITEM(args, i)));
    Ref result(PyObject_Call(function, aliased ? aliased.get() : args, kwargs));
    recording.end();
    if (!result || !add_heads(result.get(), &heads)) return nullptr;
    std::vector<minpy_array> gradients(watched.size());
    status = run(kLong, [&] {
        return minpy_tape_gradient(recording.tape, heads.data(), nullptr, static_cast<int32_t>(heads.size()),
                                   watched.data(), n, 0, gradients.data());
    });
    if (status) return raise_status(status);
    minpy_fp_status(1);
    Ref list(wrap_all(gradients));
    return list ? PyTuple_Pack(2, list.get(), result.get()) : nullptr;
}

PyObject* tape_jvp(minpy_tape t, PyObject* heads, PyObject* wrt, PyObject* tangents) {
    std::vector<minpy_array> h, w, d;
    if (!handles(heads, &h, false) || !handles(wrt, &w, false) || !handles(tangents, &d, false)) return nullptr;
    std::vector<minpy_array> out(h.size());
    minpy_status status = run(kLong, [&] {
        silent_deferral();
        return minpy_tape_jvp(t, h.data(), static_cast<int32_t>(h.size()), w.data(), d.data(),
                              static_cast<int32_t>(w.size()), out.data());
    });
    if (status) return raise_status(status);
    minpy_fp_status(1);
    return wrap_all(out);
}

// By a tape, and not only by the recording of a compiled function.
PyObject* tape_follows(PyObject* o) { return PyBool_FromLong(is_array(o) && minpy_array_is_traced(handle_of(o)) == 1); }

PyObject* is_traced(PyObject* o) { return PyBool_FromLong(is_array(o) && minpy_array_is_traced(handle_of(o))); }

PyObject* function_call(minpy_function f, PyObject* args) {
    Ref list(PySequence_Fast(args, "arguments"));
    if (!list) return nullptr;
    Arguments arguments;
    std::vector<minpy_value> values(static_cast<size_t>(PySequence_Fast_GET_SIZE(list.get())));
    for (size_t i = 0; i < values.size(); i++) {
        PyObject* o = PySequence_Fast_GET_ITEM(list.get(), static_cast<Py_ssize_t>(i));
        Converted done = o == Py_None ? arguments.anything(o, &values[i]) : arguments.array(o, &values[i], true);
        if (done == Converted::error) return nullptr;
        if (done == Converted::foreign)
            return PyErr_Format(PyExc_TypeError, "argument %zu is no array: %s", i, Py_TYPE(o)->tp_name);
    }
    // Room for all there may be: a call that does not fit has happened, and is not made again.
    constexpr int32_t kRoom = 1 << 14;
    std::unique_ptr<minpy_value[]> results(new minpy_value[kRoom]);
    int32_t n = kRoom;
    minpy_status status = run(arguments.elements(), [&] {
        silent_deferral();
        return minpy_function_call(f, values.data(), static_cast<int32_t>(values.size()), nullptr, results.get(), &n);
    });
    if (status) return raise_status(status);
    minpy_fp_status(1);
    PyObject* out = PyList_New(n);
    for (int32_t i = 0; out && i < n; i++)
        PyList_SET_ITEM(out, i, value_to_python(&results[static_cast<size_t>(i)], false));
    return out;
}

minpy_function function_new(const char* name, PyObject* on_forward, PyObject* on_backward) {
    auto* callbacks = new Callbacks{Py_NewRef(on_forward), on_backward == Py_None ? nullptr : Py_NewRef(on_backward)};
    minpy_function_desc desc = {};
    desc.struct_size = sizeof desc;
    desc.name = name;
    desc.payload = callbacks;
    desc.destroy = drop_callbacks;
    desc.forward = forward;
    desc.backward = callbacks->backward ? backward : nullptr;
    minpy_function out = nullptr;
    minpy_status status = minpy_function_new(&desc, &out);
    if (status) raise_status(status);
    return out;
}
