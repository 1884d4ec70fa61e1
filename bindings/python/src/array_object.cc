// Birth and death of array objects, and the NumPy scalars that stand for 0-d results.
#include <atomic>

#include "face.h"

namespace minpy::face {
PyTypeObject* array_type;
void* array_swig_type;

namespace {

// Dead objects kept for the next result: an allocation less on the way of `a + b`.
constexpr int kKept = 64;
ArrayObject* kept[kKept];
int n_kept;

struct Released {
    PyObject* object;
    Released* next;
};
std::atomic<Released*> released{nullptr};

PyObject* array_new(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
    // np.ndarray(shape, dtype, buffer, offset, strides, order): NumPy's constructor, its array borrowed.
    Ref numpy(PyObject_Call(reinterpret_cast<PyObject*>(&PyArray_Type), args, kwargs));
    if (!numpy) return nullptr;
    if (type == array_type) return array_from_numpy(numpy.get(), false);
    minpy_array handle = borrow_numpy(reinterpret_cast<PyArrayObject*>(numpy.get()));
    if (!handle) return nullptr;
    PyObject* o = type->tp_alloc(type, 0);
    if (!o) {
        minpy_array_release(handle);
        return nullptr;
    }
    as_array(o)->handle = handle;
    as_array(o)->swig_type = array_swig_type;
    as_array(o)->ndim = -1;
    return o;
}

int array_init(PyObject*, PyObject*, PyObject*) { return 0; }
PyObject* dunder_init(PyObject*, PyObject*, PyObject*) { Py_RETURN_NONE; }
// In place of the one that SWIG's type has for classes without a constructor, which subclasses would inherit.
PyMethodDef init_method[] = {{"__init__", method(dunder_init), METH_VARARGS | METH_KEYWORDS, nullptr},
                             {nullptr, nullptr, 0, nullptr}};

}  // namespace

void release_later(void* object) {
    PyObject* o = static_cast<PyObject*>(object);
    if (PyGILState_Check()) {
        Py_DECREF(o);
        return;
    }
    auto* node = new (std::nothrow) Released{o, released.load(std::memory_order_relaxed)};
    if (!node) return;  // out of memory: leak rather than block
    while (!released.compare_exchange_weak(node->next, node, std::memory_order_release)) {}
}

void drain_released() {
    if (!released.load(std::memory_order_relaxed)) return;
    Released* list = released.exchange(nullptr, std::memory_order_acquire);
    while (list) {
        Released* next = list->next;
        Py_DECREF(list->object);
        delete list;
        list = next;
    }
}

PyObject* wrap_array(minpy_array owned, PyObject* base) {
    ArrayObject* o;
    drain_released();
    if (n_kept) {
        o = kept[--n_kept];
        PyObject_Init(reinterpret_cast<PyObject*>(o), array_type);
    } else {
        o = PyObject_New(ArrayObject, array_type);
        if (!o) {
            minpy_array_release(owned);
            return nullptr;
        }
        o->swig_type = array_swig_type;
        o->swig_own = 1;
        o->swig_next = nullptr;
    }
    o->handle = owned;
    o->dict = nullptr;
    o->weakrefs = nullptr;
    o->readonly = 0;
    o->ndim = -1;
    o->shape_tuple = nullptr;
    Py_XINCREF(base);
    o->base = base;
    return reinterpret_cast<PyObject*>(o);
}

PyObject* wrap_window(minpy_array owned, PyObject* of) {
    PyObject* o = wrap_array(owned, as_array(of)->base ? as_array(of)->base : of);
    if (o) as_array(o)->readonly = as_array(of)->readonly;
    return o;
}

PyObject* scalar_from_value(const minpy_value& v) {
    const void* data = v.len == MINPY_COMPLEX128 ? v.v.p : static_cast<const void*>(&v.v.bits);
    if (v.len == MINPY_FLOAT64) {
        PyObject* o = PyDoubleArrType_Type.tp_alloc(&PyDoubleArrType_Type, 0);
        if (o) PyArrayScalar_VAL(o, Double) = v.v.f;
        return o;
    }
    if (v.len == MINPY_BOOL) {
        PyObject* o = v.v.bits & 1 ? PyArrayScalar_True : PyArrayScalar_False;
        Py_INCREF(o);
        return o;
    }
    PyArray_Descr* descr = descr_of_dtype(v.len);
    if (!descr) return nullptr;
    PyObject* o = PyArray_Scalar(const_cast<void*>(data), descr, nullptr);
    Py_DECREF(descr);
    return o;
}

PyObject* scalar_or_array(minpy_array owned, bool scalar_wanted) {
    if (scalar_wanted) {
        minpy_value element;
        if (minpy_array_element(owned, nullptr, 0, &element)) {
            minpy_array_release(owned);
            return scalar_from_value(element);
        }
        minpy_array_info info = info_of(owned);
        if (info.ndim == 0 && info.device.kind == MINPY_CPU && !(info.flags & MINPY_ARRAY_TRACED)) {
            minpy_value v;
            minpy_status status = minpy_array_item(owned, &v);
            minpy_array_release(owned);
            if (status) return raise_status(status);
            PyObject* o = scalar_from_value(v);
            minpy_values_release(&v, 1);
            return o;
        }
    }
    return wrap_array(owned);
}

bool install_array_object(PyTypeObject* type) {
    type->tp_new = array_new;
    type->tp_init = array_init;
    return define_methods(type, init_method);
}

}  // namespace minpy::face

// The slot's name is given to SWIG in python.i.
extern "C" void minpy_face_array_dealloc(PyObject* self) {
    using namespace minpy::face;
    ArrayObject* o = as_array(self);
    if (o->weakrefs) PyObject_ClearWeakRefs(self);
    minpy_array_release(o->handle);
    o->handle = nullptr;
    Py_XDECREF(o->dict);
    Py_XDECREF(o->base);
    Py_XDECREF(o->shape_tuple);
    if (Py_TYPE(self) == array_type) {
        if (n_kept < kKept) {
            kept[n_kept++] = o;
            return;
        }
        PyObject_Free(self);
        return;
    }
    Py_TYPE(self)->tp_free(self);
}
