// A call of an operator from Python: arguments by the schema, options as NumPy names them, one minpy_invoke.
// What does not parse goes to NumPy, which can do it or says in its own words what is wrong.
#include <algorithm>

#include "operator.h"

namespace minpy::face {
namespace {

struct Names {
    PyObject *out, *where, *casting, *dtype, *order, *subok, *like, *signature, *sig;
    Names() {
        for (auto [slot, text] : {std::pair{&out, "out"},
                                  {&where, "where"},
                                  {&casting, "casting"},
                                  {&dtype, "dtype"},
                                  {&order, "order"},
                                  {&subok, "subok"},
                                  {&like, "like"},
                                  {&signature, "signature"},
                                  {&sig, "sig"}})
            *slot = PyUnicode_InternFromString(text);
    }
};
const Names& names() {
    static Names* n = new Names;
    return *n;
}

bool same(PyObject* a, PyObject* interned) { return a == interned || PyUnicode_Compare(a, interned) == 0; }

// The call while it is put together.
class Call {
public:
    explicit Call(OperatorObject* op) : op_(op), n_(static_cast<int>(op->parameters->size())) {
        if (n_ > kInline) more_.resize(static_cast<size_t>(n_));
        values_ = n_ > kInline ? more_.data() : inline_;
        for (int i = 0; i < n_; i++) values_[i] = {MINPY_V_DEFAULT, 0, {0}};
    }

    Converted parse(PyObject* const* args, Py_ssize_t n_args, PyObject* kwnames);
    PyObject* invoke();
    bool traced() const;

private:
    enum { kInline = 12 };
    Converted set(int i, PyObject* o);
    Converted keyword(PyObject* name, PyObject* o);
    Converted out(PyObject* o);
    Converted one_out(PyObject* o);
    Converted option(PyObject* name, PyObject* o);

    OperatorObject* op_;
    int n_;
    minpy_value inline_[kInline];
    std::vector<minpy_value> more_;
    minpy_value* values_;
    Arguments arguments_;
    minpy_call_options options_ = MINPY_CALL_OPTIONS_INIT;
    bool has_options_ = false;
    minpy_array outs_[kMaxResults] = {};
    PyObject* out_objects_[kMaxResults] = {};
    int n_outs_ = 0;
};

bool Call::traced() const {
    for (int i = 0; i < n_; i++) {
        const minpy_value& v = values_[i];
        if (v.tag == MINPY_V_ARRAY && minpy_array_is_traced(static_cast<minpy_array>(const_cast<void*>(v.v.p))) == 1)
            return true;
        for (int32_t k = 0; v.tag == MINPY_V_ARRAYS && k < v.len; k++)
            if (minpy_array_is_traced(static_cast<const minpy_array*>(v.v.p)[k]) == 1) return true;
    }
    return false;
}

Converted Call::set(int i, PyObject* o) {
    if (values_[i].tag != MINPY_V_DEFAULT) return Converted::foreign;  // given twice
    const Parameter& p = (*op_->parameters)[static_cast<size_t>(i)];
    if (o == Py_None && p.kind == MINPY_PARAM_ARRAY && p.required()) return Converted::foreign;
    return arguments_.of_kind(o, p.kind, &values_[i]);
}

Converted Call::one_out(PyObject* o) {
    if (n_outs_ == kMaxResults) return Converted::foreign;
    minpy_value v = {MINPY_V_NONE, 0, {0}};
    if (o != Py_None) {
        if (is_array(o)) {
            if (as_array(o)->readonly) {
                PyErr_SetString(PyExc_ValueError, "output array is read-only");
                return Converted::error;
            }
        } else if (!PyArray_CheckExact(o) || !PyArray_ISALIGNED(reinterpret_cast<PyArrayObject*>(o))) {
            return Converted::foreign;
        }
        Converted done = arguments_.array(o, &v, true);
        if (done != Converted::ok) return done;
        outs_[n_outs_] = static_cast<minpy_array>(const_cast<void*>(v.v.p));
        out_objects_[n_outs_] = o;
        has_options_ = true;
    }
    n_outs_++;
    return Converted::ok;
}

Converted Call::out(PyObject* o) {
    if (n_outs_) return Converted::foreign;
    if (o == Py_None) return Converted::ok;
    if (!PyTuple_Check(o)) return one_out(o);
    if (op_->n_outputs && PyTuple_GET_SIZE(o) != op_->n_outputs) return Converted::foreign;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(o); i++) {
        Converted done = one_out(PyTuple_GET_ITEM(o, i));
        if (done != Converted::ok) return done;
    }
    return Converted::ok;
}

Converted Call::option(PyObject* name, PyObject* o) {
    const Names& n = names();
    bool elementwise = op_->flags & MINPY_OP_ELEMENTWISE;
    if (same(name, n.out)) return out(o);
    if (same(name, n.subok)) return Converted::ok;
    if (same(name, n.like)) return o == Py_None ? Converted::ok : Converted::foreign;
    if (same(name, n.casting)) {
        static const char* const kinds[] = {"", "no", "equiv", "safe", "same_kind", "unsafe"};
        if (!PyUnicode_Check(o)) return Converted::foreign;
        for (int i = 1; i <= 5; i++)
            if (PyUnicode_CompareWithASCIIString(o, kinds[i]) == 0) {
                options_.casting = i;
                has_options_ = true;
                return Converted::ok;
            }
        return Converted::foreign;
    }
    if (!elementwise) return Converted::foreign;
    if (same(name, n.where)) {
        if (o == Py_True) return Converted::ok;
        minpy_value v;
        if (!is_array(o) || info_of(handle_of(o)).dtype != MINPY_BOOL) {
            Ref mask(PyArray_FromAny(o, PyArray_DescrFromType(NPY_BOOL), 0, 0, 0, nullptr));
            if (!mask) {
                PyErr_Clear();
                return Converted::foreign;
            }
            Converted done = arguments_.array(mask.get(), &v, true);
            if (done != Converted::ok) return done;
        } else if (arguments_.array(o, &v, true) != Converted::ok) {
            return Converted::error;
        }
        options_.where = static_cast<minpy_array>(const_cast<void*>(v.v.p));
        has_options_ = true;
        return Converted::ok;
    }
    if (same(name, n.dtype)) {
        if (o == Py_None) return Converted::ok;
        int known = parse_dtype(o, &options_.dtype);
        has_options_ = true;
        return known > 0 ? Converted::ok : known == 0 ? Converted::error : Converted::foreign;
    }
    if (same(name, n.order)) {
        if (!PyUnicode_Check(o) || PyUnicode_GET_LENGTH(o) != 1) return Converted::foreign;
        Py_UCS4 c = Py_TOUPPER(PyUnicode_READ_CHAR(o, 0) & 0x7f);
        if (c != 'K' && c != 'A' && c != 'C' && c != 'F') return Converted::foreign;
        options_.order = static_cast<int32_t>(c);
        has_options_ = true;
        return Converted::ok;
    }
    return Converted::foreign;  // signature=, axes=, … : NumPy knows
}

Converted Call::keyword(PyObject* name, PyObject* o) {
    for (int pass = 0; pass < 2; pass++)  // almost always the interned string itself
        for (int i = 0; i < n_; i++) {
            const Parameter& p = (*op_->parameters)[static_cast<size_t>(i)];
            if (pass ? PyUnicode_Compare(name, p.name) == 0 : name == p.name)
                return p.flags & MINPY_PARAM_POSITIONAL_ONLY ? Converted::foreign : set(i, o);
        }
    return option(name, o);
}

Converted Call::parse(PyObject* const* args, Py_ssize_t n_args, PyObject* kwnames) {
    const std::vector<int>& positional = *op_->positional;
    Py_ssize_t n_positional = static_cast<Py_ssize_t>(positional.size());
    for (Py_ssize_t i = 0; i < n_args; i++) {
        Converted done;
        if (i < n_positional) {
            int p = positional[static_cast<size_t>(i)];
            if (p == kOut) {
                done = out(args[i]);
            } else if ((*op_->parameters)[static_cast<size_t>(p)].variadic) {
                Ref rest(PyTuple_New(n_args - i));
                if (!rest) return Converted::error;
                for (Py_ssize_t k = i; k < n_args; k++) PyTuple_SET_ITEM(rest.get(), k - i, Py_NewRef(args[k]));
                done = set(p, rest.get());
                i = n_args;
            } else {
                done = set(p, args[i]);
            }
        } else if ((op_->flags & MINPY_OP_ELEMENTWISE) && i < n_positional + std::max(op_->n_outputs, 1)) {
            done = one_out(args[i]);
        } else {
            return Converted::foreign;
        }
        if (done != Converted::ok) return done;
    }
    if (kwnames) {
        Py_ssize_t n_keywords = PyTuple_GET_SIZE(kwnames);
        for (Py_ssize_t i = 0; i < n_keywords; i++) {
            Converted done = keyword(PyTuple_GET_ITEM(kwnames, i), args[n_args + i]);
            if (done != Converted::ok) return done;
        }
    }
    bool joins = false, has_dtype = false;
    for (int i = 0; i < n_; i++) {
        const Parameter& p = (*op_->parameters)[static_cast<size_t>(i)];
        bool given = values_[i].tag != MINPY_V_DEFAULT;
        if (!given && p.required()) return Converted::foreign;
        joins = joins || (p.kind == MINPY_PARAM_ARRAYS && !p.variadic);
        has_dtype = has_dtype || (p.kind == MINPY_PARAM_DTYPE && given && values_[i].tag != MINPY_V_NONE);
    }
    if (joins && has_dtype && n_outs_) return Converted::foreign;  // functions that join arrays take one of the two
    return Converted::ok;
}

PyObject* Call::invoke() {
    while (n_ > 0 && values_[n_ - 1].tag == MINPY_V_DEFAULT) n_--;
    if (n_outs_ && has_options_) {
        options_.out = outs_;
        options_.n_out = n_outs_;
    }
    minpy_value inline_results[kMaxResults];
    std::vector<minpy_value> more_results;
    minpy_value* results = inline_results;
    int32_t n_results = kMaxResults;
    auto call = [&] {
        return run(arguments_.elements(), [&] {
            return minpy_invoke(op_->op, values_, n_, has_options_ ? &options_ : nullptr, results, &n_results);
        });
    };
    minpy_status status = call();
    if (status == MINPY_E_INVALID && n_results > kMaxResults) {
        more_results.resize(static_cast<size_t>(n_results));
        results = more_results.data();
        status = call();
    }
    if (status) return raise_status(status);
    if (check_fp(op_->short_name->c_str()) < 0) {
        minpy_values_release(results, n_results);
        return nullptr;
    }
    bool scalar = op_->flags & MINPY_OP_SCALAR_RESULT;
    auto one = [&](int i) -> PyObject* {
        if (i < kMaxResults && out_objects_[i]) {
            minpy_values_release(results + i, 1);
            return Py_NewRef(out_objects_[i]);
        }
        return value_to_python(results + i, scalar);
    };
    bool list = op_->flags & MINPY_OP_LIST_RESULT;
    PyObject* result;
    if (n_results == 1 && !list) {
        result = one(0);
    } else if (n_results == 0 && !list) {
        result = Py_NewRef(Py_None);
    } else {
        result = list ? PyList_New(n_results) : PyTuple_New(n_results);
        for (int32_t i = 0; result && i < n_results; i++) {
            PyObject* item = one(i);
            if (!item) {
                Py_CLEAR(result);
                minpy_values_release(results + i, n_results - i);
                break;
            }
            if (list) PyList_SET_ITEM(result, i, item);
            else PyTuple_SET_ITEM(result, i, item);
        }
    }
    if (result && op_->finish && (PyTuple_Check(result) || PyList_Check(result))) {
        Ref results(PySequence_Tuple(result));
        PyObject* finished = results ? PyObject_CallObject(op_->finish, results.get()) : nullptr;
        Py_DECREF(result);
        result = finished;
    }
    return result;
}

// The plain call: few arguments, each of which PlainValues takes. It needs no memory of its own, which is most of what a
// small call would cost.
class PlainCall {
public:
    explicit PlainCall(OperatorObject* op) : op_(op) {}
    bool parse(PyObject* const* args, Py_ssize_t n_args, PyObject* kwnames);
    // False if the full call has to see to it.
    bool invoke(PyObject** result);

private:
    bool set(int i, PyObject* o);
    bool keyword(PyObject* name, PyObject* o);
    bool out(PyObject* o);

    enum { kMost = 8 };
    OperatorObject* op_;
    int n_ = 0;        // values so far; what was left out between them is DEFAULT
    int n_given_ = 0;  // of those that have no default
    minpy_value values_[kMost];
    PlainValues plain_;
    bool scalar_ = true;    // no operand has dimensions
    bool last_use_ = true;  // only the call refers to its arrays
    PyObject* out_ = nullptr;
};

inline bool PlainCall::set(int i, PyObject* o) {
    const Parameter& p = (*op_->parameters)[static_cast<size_t>(i)];
    bool required = p.required();
    if ((o == Py_None && required) || !plain_.add(o, p.kind, &values_[i])) return false;
    if (is_exact_array(o)) {
        if (ndim_of_array(o)) scalar_ = false;
        last_use_ = last_use_ && Py_REFCNT(o) == 1;
    }
    n_given_ += required;
    return true;
}

bool PlainCall::out(PyObject* o) {
    if (out_ || !is_exact_array(o) || as_array(o)->readonly || op_->n_outputs != 1) return false;
    out_ = o;
    return true;
}

bool PlainCall::keyword(PyObject* name, PyObject* o) {
    // Names in code are interned: the string itself, or it is not plain.
    const std::vector<Parameter>& parameters = *op_->parameters;
    for (int i = 0; i < static_cast<int>(parameters.size()); i++) {
        const Parameter& p = parameters[static_cast<size_t>(i)];
        if (p.name != name) continue;
        if (i >= kMost || p.variadic || (p.flags & MINPY_PARAM_POSITIONAL_ONLY)) return false;
        while (n_ <= i) values_[n_++].tag = MINPY_V_DEFAULT;
        return values_[i].tag == MINPY_V_DEFAULT && set(i, o);  // not given twice
    }
    return name == names().out && out(o);
}

bool PlainCall::parse(PyObject* const* args, Py_ssize_t n_args, PyObject* kwnames) {
    if (n_args > op_->n_in_order || n_args > kMost) return false;
    for (; n_ < n_args; n_++)
        if (!set(n_, args[n_])) return false;
    for (Py_ssize_t i = 0; kwnames && i < PyTuple_GET_SIZE(kwnames); i++)
        if (!keyword(PyTuple_GET_ITEM(kwnames, i), args[n_args + i])) return false;
    return n_given_ == op_->n_required;
}

bool PlainCall::invoke(PyObject** result) {
    minpy_value results[kMaxResults];
    int32_t n = kMaxResults;
    minpy_array out;
    minpy_call_options options;
    const minpy_call_options* given = nullptr;
    // Worth saying of operands that may be pending: those are large, and only what folds or writes asks.
    bool last_use = last_use_ && plain_.elements() >= kLargeOperand && (out_ || !(op_->flags & MINPY_OP_ELEMENTWISE));
    if (out_ || last_use) {
        options = MINPY_CALL_OPTIONS_INIT;
        given = &options;
        if (last_use) options.flags = MINPY_CALL_LAST_USE;
        if (out_) {
            out = handle_of(out_);
            options.out = &out;
            options.n_out = 1;
        }
    }
    minpy_status status =
        run(plain_.elements(), [&] { return minpy_invoke(op_->op, values_, n_, given, results, &n); });
    if (status == MINPY_E_UNSUPPORTED || (status == MINPY_E_INVALID && n > kMaxResults)) return false;
    bool scalar = (op_->flags & MINPY_OP_SCALAR_RESULT) && (scalar_ || !(op_->flags & MINPY_OP_ELEMENTWISE));
    *result = nullptr;
    if (status) {
        raise_status(status);
    } else if (check_fp(op_->short_name->c_str()) < 0) {
        minpy_values_release(results, n);
    } else if (out_) {
        minpy_values_release(results, n);
        *result = Py_NewRef(out_);
    } else if (n == 1 && results[0].tag == MINPY_V_ARRAY) {
        *result = scalar_or_array(static_cast<minpy_array>(const_cast<void*>(results[0].v.p)), scalar);
    } else if (n == 1) {
        *result = value_to_python(results, scalar);
    } else {
        *result = PyTuple_New(n);
        for (int32_t i = 0; *result && i < n; i++) PyTuple_SET_ITEM(*result, i, value_to_python(results + i, scalar));
        if (*result && op_->finish) *result = Ref(PyObject_CallObject(op_->finish, Ref(*result).get())).release();
    }
    return true;
}

}  // namespace

static PyObject* locked(PyObject* view) {
    if (view && is_array(view)) as_array(view)->readonly = true;
    return view;
}

PyObject* call_operator(PyObject* self, PyObject* const* args, size_t nargsf, PyObject* kwnames) {
    OperatorObject* op = as_operator(self);
    Py_ssize_t n_args = PyVectorcall_NARGS(nargsf);
    const char* reason = "attribute";
    PyObject* result;
    if (op->fewer && !kwnames && n_args < op->n_required) return PyObject_Vectorcall(op->fewer, args, nargsf, nullptr);
    if (!(op->flags & MINPY_OP_LIST_RESULT)) {
        PlainCall call(op);
        if (call.parse(args, n_args, kwnames) && call.invoke(&result)) return op->read_only ? locked(result) : result;
    }
    {
        Call call(op);
        Converted done = call.parse(args, n_args, kwnames);
        if (done == Converted::error) return nullptr;
        if (done == Converted::ok) {
            result = call.invoke();
            if (op->read_only) return locked(result);
            if (result || call.traced() || !PyErr_ExceptionMatches(PyExc_NotImplementedError)) return result;
            PyErr_Clear();
            reason = "no_kernel";
        }
    }
    return numpy_fallback(self, args, n_args, kwnames, reason);
}

}  // namespace minpy::face
