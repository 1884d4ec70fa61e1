// Operators as Python callables. One C type; element-wise operators are of a subtype that has what
// numpy.ufunc has; a third one binds, for ndarray's methods. Made from the schema when first asked for, then
// kept.
#include "operator.h"

#include <structmember.h>

#include <unordered_map>

namespace minpy::face {
namespace {

std::unordered_map<std::string, PyObject*>* made;  // by the registry's name; methods apart
std::unordered_map<std::string, PyObject*>* made_methods;

// "linalg.solve" -> numpy.linalg.solve, or numpy.ndarray.solve for a method; None if NumPy has none.
PyObject* numpy_callable(OperatorObject* op) {
    if (op->numpy) return op->numpy;
    Ref at(PyImport_ImportModule("numpy"));
    if (at && op->method) at = Ref(PyObject_GetAttrString(at.get(), "ndarray"));
    std::string path = op->method ? *op->short_name : *op->name;
    while (at && !path.empty()) {
        size_t dot = path.find('.');
        at = Ref(PyObject_GetAttrString(at.get(), path.substr(0, dot).c_str()));
        path = dot == std::string::npos ? "" : path.substr(dot + 1);
    }
    PyErr_Clear();
    op->numpy = at ? at.release() : Py_NewRef(Py_None);
    return op->numpy;
}

// Where NumPy takes `out` by position: among the names of the Python function behind it.
void place_out(OperatorObject* op) {
    Ref module(op->method ? PyImport_ImportModule("numpy") : nullptr);
    Ref numpy(op->method ? PyObject_GetAttrString(module.get(), op->short_name->c_str())
                         : Py_NewRef(numpy_callable(op)));
    Ref implementation(numpy ? PyObject_GetAttrString(numpy.get(), "_implementation") : nullptr);
    Ref code(implementation ? PyObject_GetAttrString(implementation.get(), "__code__") : nullptr);
    Ref count(code ? PyObject_GetAttrString(code.get(), "co_argcount") : nullptr);
    Ref variables(code ? PyObject_GetAttrString(code.get(), "co_varnames") : nullptr);
    PyErr_Clear();
    if (!variables || !count) {  // NumPy's functions in C, and functions NumPy does not have
        op->positional->push_back(kOut);
        return;
    }
    Py_ssize_t n = PyLong_AsSsize_t(count.get());
    for (Py_ssize_t i = 0; i < n && i <= static_cast<Py_ssize_t>(op->positional->size()); i++)
        if (PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(variables.get(), i), "out") == 0) {
            op->positional->insert(op->positional->begin() + i, kOut);
            return;
        }
}

void operator_dealloc(PyObject* self) {
    OperatorObject* op = as_operator(self);
    delete op->name;
    delete op->short_name;
    delete op->parameters;
    delete op->positional;
    Py_XDECREF(op->numpy);
    Py_XDECREF(op->fewer);
    Py_XDECREF(op->finish);
    Py_XDECREF(op->dict);
    Py_TYPE(self)->tp_free(self);
}

PyObject* operator_repr(PyObject* self) {
    OperatorObject* op = as_operator(self);
    return PyUnicode_FromFormat(Py_IS_TYPE(self, &ufunc_type) ? "<ufunc '%s'>" : "<operator '%s'>",
                                op->short_name->c_str());
}

PyObject* method_get(PyObject* self, PyObject* instance, PyObject*) {
    return instance && instance != Py_None ? PyMethod_New(self, instance) : Py_NewRef(self);
}

PyObject* get_name(PyObject* self, void*) { return PyUnicode_FromString(as_operator(self)->short_name->c_str()); }
PyObject* get_full_name(PyObject* self, void*) { return PyUnicode_FromString(as_operator(self)->name->c_str()); }
PyObject* get_module(PyObject* self, void*) {
    size_t dot = as_operator(self)->name->rfind('.');
    return PyUnicode_FromString(
        ("minpy.numpy" + (dot == std::string::npos ? "" : "." + as_operator(self)->name->substr(0, dot))).c_str());
}
PyObject* get_doc(PyObject* self, void*) {
    minpy_op_info info = {};
    info.struct_size = sizeof info;
    minpy_op_get_info(as_operator(self)->op, &info);
    return PyUnicode_FromFormat("%s\n\n%s", info.signature ? info.signature : "", info.doc ? info.doc : "");
}
PyObject* get_signature(PyObject* self, void*) {
    PyObject* helper = fallback_helper("signature_of");
    return helper ? PyObject_CallOneArg(helper, self) : nullptr;
}
PyObject* get_parameters(PyObject* self, void*) {
    auto& parameters = *as_operator(self)->parameters;
    PyObject* list = PyTuple_New(static_cast<Py_ssize_t>(parameters.size()));
    for (size_t i = 0; list && i < parameters.size(); i++) {
        minpy_param_info info = {};
        info.struct_size = sizeof info;
        minpy_op_param(as_operator(self)->op, static_cast<int32_t>(i), &info);
        minpy_value v = info.value;
        PyObject* value = v.tag == MINPY_V_SCALAR || v.tag == MINPY_V_ARRAY ? Py_NewRef(Py_None) : nullptr;
        if (!value) switch (v.tag) {
                case MINPY_V_BOOL: value = PyBool_FromLong(v.v.i != 0); break;
                case MINPY_V_INT: value = PyLong_FromLongLong(v.v.i); break;
                case MINPY_V_FLOAT: value = PyFloat_FromDouble(v.v.f); break;
                case MINPY_V_STRING:
                    value = PyUnicode_DecodeUTF8(static_cast<const char*>(v.v.p), v.len, "replace");
                    break;
                default: value = Py_NewRef(Py_None);
            }
        PyTuple_SET_ITEM(
            list, static_cast<Py_ssize_t>(i),
            Py_BuildValue("(OiIiN)", parameters[i].name, info.kind, info.flags, parameters[i].variadic ? 1 : 0, value));
    }
    return list;
}
PyObject* get_numpy(PyObject* self, void*) { return Py_NewRef(numpy_callable(as_operator(self))); }
PyObject* get_flags(PyObject* self, void*) { return PyLong_FromUnsignedLong(as_operator(self)->flags); }
int set_finish(PyObject* self, PyObject* value, void*) {
    Py_XSETREF(as_operator(self)->finish, Py_XNewRef(value));
    return 0;
}
int set_fewer(PyObject* self, PyObject* value, void*) {
    Py_XSETREF(as_operator(self)->fewer, Py_XNewRef(value));
    return 0;
}
PyObject* get_fewer(PyObject* self, void*) {
    PyObject* f = as_operator(self)->fewer;
    return Py_NewRef(f ? f : Py_None);
}
PyObject* get_finish(PyObject* self, void*) {
    PyObject* f = as_operator(self)->finish;
    return Py_NewRef(f ? f : Py_None);
}

PyGetSetDef operator_getset[] = {
    {"__name__", get_name, nullptr, nullptr, nullptr},
    {"__qualname__", get_name, nullptr, nullptr, nullptr},
    {"__module__", get_module, nullptr, nullptr, nullptr},
    {"__doc__", get_doc, nullptr, nullptr, nullptr},
    {"__signature__", get_signature, nullptr, nullptr, nullptr},
    {"_parameters", get_parameters, nullptr, "(name, kind, flags, variadic, default) of each parameter", nullptr},
    {"_numpy", get_numpy, nullptr, "NumPy's callable of this name, or None", nullptr},
    {"_flags", get_flags, nullptr, "MINPY_OP_*", nullptr},
    {"_op", get_full_name, nullptr, "the name in the registry", nullptr},
    {"_finish", get_finish, set_finish, "makes NumPy's result type from the outputs", nullptr},
    {"_fewer", get_fewer, set_fewer, "called in its place with fewer arguments than it needs", nullptr},
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr}};

PyObject* operator_reduce(PyObject* self, PyObject*) { return get_name(self, nullptr); }
PyObject* return_self(PyObject* self, PyObject*) { return Py_NewRef(self); }
PyMethodDef operator_methods[] = {{"__reduce__", operator_reduce, METH_NOARGS, nullptr},
                                  {"__copy__", return_self, METH_NOARGS, nullptr},
                                  {"__deepcopy__", return_self, METH_O, nullptr},
                                  {nullptr, nullptr, 0, nullptr}};

PyObject* get_nin(PyObject* self, void*) { return PyLong_FromLong(as_operator(self)->n_inputs); }
PyObject* get_nout(PyObject* self, void*) { return PyLong_FromLong(std::max(as_operator(self)->n_outputs, 1)); }
PyObject* get_nargs(PyObject* self, void*) {
    return PyLong_FromLong(as_operator(self)->n_inputs + std::max(as_operator(self)->n_outputs, 1));
}
// types, ntypes, identity, signature: NumPy's, whose loops ours stand for.
PyObject* get_from_numpy(PyObject* self, void* name) {
    PyObject* numpy = numpy_callable(as_operator(self));
    if (numpy == Py_None) Py_RETURN_NONE;
    return PyObject_GetAttrString(numpy, static_cast<const char*>(name));
}
char types[] = "types", ntypes[] = "ntypes", identity[] = "identity", signature[] = "signature";
// A type without documentation of its own hides what it inherits.
PyGetSetDef doc_getset[] = {{"__doc__", get_doc, nullptr, nullptr, nullptr},
                            {nullptr, nullptr, nullptr, nullptr, nullptr}};
PyGetSetDef ufunc_getset[] = {{"__doc__", get_doc, nullptr, nullptr, nullptr},
                              {"nin", get_nin, nullptr, "number of inputs", nullptr},
                              {"nout", get_nout, nullptr, "number of outputs", nullptr},
                              {"nargs", get_nargs, nullptr, "number of inputs and outputs", nullptr},
                              {"types", get_from_numpy, nullptr, nullptr, types},
                              {"ntypes", get_from_numpy, nullptr, nullptr, ntypes},
                              {"identity", get_from_numpy, nullptr, nullptr, identity},
                              {"signature", get_from_numpy, nullptr, nullptr, signature},
                              {nullptr, nullptr, nullptr, nullptr, nullptr}};

bool prepare(PyTypeObject* t, const char* name, PyTypeObject* base, unsigned long flags) {
    Py_SET_REFCNT(t, 1);
    t->tp_name = name;
    t->tp_basicsize = sizeof(OperatorObject);
    t->tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_DISALLOW_INSTANTIATION | flags;
    t->tp_base = base;
    t->tp_dealloc = operator_dealloc;
    t->tp_repr = operator_repr;
    t->tp_call = PyVectorcall_Call;
    t->tp_vectorcall_offset = offsetof(OperatorObject, vectorcall);
    t->tp_dictoffset = offsetof(OperatorObject, dict);
    return PyType_Ready(t) == 0;
}

// _operator(name, method=False): the callable of an operator, or None.
PyObject* python_operator(PyObject*, PyObject* args) {
    const char* name;
    int method = 0;
    if (!PyArg_ParseTuple(args, "s|p", &name, &method)) return nullptr;
    if (!method) {
        PyObject* o = find_operator(name);
        if (PyErr_Occurred()) return nullptr;
        return Py_NewRef(o ? o : Py_None);
    }
    minpy_op op;
    auto known = made_methods->find(name);
    if (known != made_methods->end()) return Py_NewRef(known->second);
    if (minpy_op_find(name, &op)) Py_RETURN_NONE;
    PyObject* o = make_operator(name, op, true);
    if (o) (*made_methods)[name] = Py_NewRef(o);
    return o;
}

// ufunc._set(name, function): methods that are written in Python (minpy/_ufunc.py).
PyObject* ufunc_set(PyObject*, PyObject* args) {
    PyObject *name, *value;
    if (!PyArg_ParseTuple(args, "OO", &name, &value) || PyDict_SetItem(ufunc_type.tp_dict, name, value) < 0)
        return nullptr;
    PyType_Modified(&ufunc_type);
    Py_RETURN_NONE;
}
PyMethodDef ufunc_methods[] = {{"_set", ufunc_set, METH_VARARGS | METH_STATIC, nullptr},
                               {nullptr, nullptr, 0, nullptr}};

PyMethodDef module_methods[] = {{"_operator", python_operator, METH_VARARGS, ""}, {nullptr, nullptr, 0, nullptr}};

}  // namespace

PyTypeObject operator_type = {};
PyTypeObject ufunc_type = {};
PyTypeObject method_type = {};

// What NumPy has for a ufunc; element-wise operators that it does not have are ours.
static bool is_ufunc(OperatorObject* o) {
    static PyObject* const numpys = [] {
        Ref numpy(PyImport_ImportModule("numpy"));
        return numpy ? PyObject_GetAttrString(numpy.get(), "ufunc") : nullptr;
    }();
    PyObject* counterpart = numpy_callable(o);
    if (counterpart == Py_None) return o->flags & MINPY_OP_ELEMENTWISE;
    return numpys && Py_IS_TYPE(counterpart, reinterpret_cast<PyTypeObject*>(numpys));
}

PyObject* make_operator(const char* name, minpy_op op, bool method) {
    minpy_op_info info = {};
    info.struct_size = sizeof info;
    if (minpy_status status = minpy_op_get_info(op, &info)) return raise_status(status);
    PyTypeObject* type = method ? &method_type : &operator_type;
    auto* o = reinterpret_cast<OperatorObject*>(type->tp_alloc(type, 0));
    if (!o) return nullptr;
    o->vectorcall = call_operator;
    o->op = op;
    o->flags = info.flags;
    o->n_inputs = info.n_inputs;
    o->n_outputs = info.n_outputs;
    o->method = method;
    o->name = new std::string(name);
    o->short_name = new std::string(o->name->substr(o->name->rfind('.') + 1));
    o->parameters = new std::vector<Parameter>;
    o->positional = new std::vector<int>;
    std::string text = info.signature ? info.signature : "";
    for (int32_t i = 0; i < info.n_params; i++) {
        minpy_param_info p = {};
        p.struct_size = sizeof p;
        minpy_op_param(op, i, &p);
        bool variadic = text.find("*" + std::string(p.name)) != std::string::npos;
        o->parameters->push_back({PyUnicode_InternFromString(p.name), p.kind, p.flags, variadic});
        if (!(p.flags & MINPY_PARAM_KEYWORD_ONLY)) o->positional->push_back(i);
    }
    if (!(info.flags & MINPY_OP_ELEMENTWISE) || method) place_out(o);
    o->n_required = o->n_in_order = 0;
    for (const Parameter& p : *o->parameters) o->n_required += p.required();
    for (int p : *o->positional) {
        if (p != o->n_in_order || (*o->parameters)[static_cast<size_t>(p)].variadic) break;
        o->n_in_order++;
    }
    o->read_only = !method && (*o->name == "broadcast_to" || *o->name == "diagonal");
    if (!method && is_ufunc(o)) Py_SET_TYPE(o, &ufunc_type);
    return reinterpret_cast<PyObject*>(o);
}

PyObject* find_operator(const char* name) {
    auto known = made->find(name);
    if (known != made->end()) return known->second;
    minpy_op op;
    PyObject* o = nullptr;
    if (minpy_op_find(name, &op) == MINPY_OK) {
        o = make_operator(name, op, false);
        if (!o) return nullptr;
    } else {
        return nullptr;  // it may be registered later
    }
    (*made)[name] = o;
    return o;
}

minpy_op op_of(PyObject* o) { return as_operator(o)->op; }

PyObject* numpy_fallback(PyObject* self, PyObject* const* args, Py_ssize_t n, PyObject* kwnames, const char* reason) {
    PyObject* numpy = numpy_callable(as_operator(self));
    if (numpy == Py_None) {
        minpy_op_info info = {};
        info.struct_size = sizeof info;
        minpy_op_get_info(as_operator(self)->op, &info);
        return PyErr_Format(PyExc_TypeError, "%s: wrong arguments; the signature is %s",
                            as_operator(self)->name->c_str(), info.signature ? info.signature : "unknown");
    }
    return call_fallback(numpy, args, n, kwnames, reason);
}

bool install_operator(PyObject* module) {
    made = new std::unordered_map<std::string, PyObject*>;
    made_methods = new std::unordered_map<std::string, PyObject*>;
    operator_type.tp_getset = operator_getset;
    operator_type.tp_methods = operator_methods;
    ufunc_type.tp_getset = ufunc_getset;
    ufunc_type.tp_methods = ufunc_methods;
    method_type.tp_descr_get = method_get;
    method_type.tp_getset = doc_getset;
    return prepare(&operator_type, "minpy.Operator", nullptr, Py_TPFLAGS_BASETYPE) &&
           prepare(&ufunc_type, "minpy.numpy.ufunc", &operator_type, 0) &&
           prepare(&method_type, "minpy.Method", &operator_type, Py_TPFLAGS_METHOD_DESCRIPTOR) &&
           PyModule_AddObjectRef(module, "Operator", reinterpret_cast<PyObject*>(&operator_type)) == 0 &&
           PyModule_AddObjectRef(module, "ufunc", reinterpret_cast<PyObject*>(&ufunc_type)) == 0 &&
           PyModule_AddFunctions(module, module_methods) == 0;
}

}  // namespace minpy::face
