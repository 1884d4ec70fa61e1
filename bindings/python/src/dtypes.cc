// NumPy's dtype objects and the library's dtype numbers.
#include "face.h"

namespace minpy::face {
namespace {

// By dtype number.
const int kTypenum[] = {-1,         NPY_BOOL,   NPY_INT8, NPY_INT16, NPY_INT32,  NPY_INT64,  NPY_UINT8,  NPY_UINT16,
                        NPY_UINT32, NPY_UINT64, NPY_HALF, NPY_FLOAT, NPY_DOUBLE, NPY_CFLOAT, NPY_CDOUBLE};
int bfloat16_num = -1;  // ml_dtypes', once somebody imported it

int bfloat16_typenum() {
    if (bfloat16_num >= 0) return bfloat16_num;
    Ref name(PyUnicode_FromString("ml_dtypes"));
    Ref module(PyImport_GetModule(name.get()));
    if (!module) return -1;
    Ref type(PyObject_GetAttrString(module.get(), "bfloat16"));
    PyArray_Descr* d = nullptr;
    if (!type || !PyArray_DescrConverter(type.get(), &d)) {
        PyErr_Clear();
        return -1;
    }
    bfloat16_num = d->type_num;
    Py_DECREF(d);
    return bfloat16_num;
}

}  // namespace

minpy_dtype dtype_of_typenum(int num) {
    switch (num) {
        case NPY_BOOL: return MINPY_BOOL;
        case NPY_BYTE: return MINPY_INT8;
        case NPY_UBYTE: return MINPY_UINT8;
        case NPY_SHORT: return MINPY_INT16;
        case NPY_USHORT: return MINPY_UINT16;
        case NPY_INT: return MINPY_INT32;
        case NPY_UINT: return MINPY_UINT32;
        case NPY_LONG: return sizeof(long) == 8 ? MINPY_INT64 : MINPY_INT32;
        case NPY_ULONG: return sizeof(long) == 8 ? MINPY_UINT64 : MINPY_UINT32;
        case NPY_LONGLONG: return MINPY_INT64;
        case NPY_ULONGLONG: return MINPY_UINT64;
        case NPY_HALF: return MINPY_FLOAT16;
        case NPY_FLOAT: return MINPY_FLOAT32;
        case NPY_DOUBLE: return MINPY_FLOAT64;
        case NPY_CFLOAT: return MINPY_COMPLEX64;
        case NPY_CDOUBLE: return MINPY_COMPLEX128;
        default: return num >= NPY_USERDEF && num == bfloat16_typenum() ? MINPY_BFLOAT16 : 0;
    }
}

minpy_dtype dtype_of_descr(PyArray_Descr* d) { return PyArray_ISNBO(d->byteorder) ? dtype_of_typenum(d->type_num) : 0; }

PyArray_Descr* descr_of_dtype(minpy_dtype t) {
    if (t >= MINPY_BOOL && t <= MINPY_COMPLEX128) {
        static PyArray_Descr* known[MINPY_COMPLEX128 + 1];  // NumPy keeps them for ever, too
        if (!known[t]) known[t] = PyArray_DescrFromType(kTypenum[t]);
        Py_XINCREF(known[t]);
        return known[t];
    }
    if (t == MINPY_BFLOAT16) {
        int num = bfloat16_typenum();
        if (num < 0) {
            Ref imported(PyImport_ImportModule("ml_dtypes"));
            PyErr_Clear();
            num = bfloat16_typenum();
        }
        if (num >= 0) return PyArray_DescrFromType(num);
        PyErr_SetString(PyExc_TypeError, "bfloat16 in Python needs the package ml_dtypes");
        return nullptr;
    }
    PyErr_Format(PyExc_SystemError, "%d is no dtype", t);
    return nullptr;
}

minpy_dtype dtype_of_object(PyObject* o) {
    if (PyArray_DescrCheck(o)) return dtype_of_descr(reinterpret_cast<PyArray_Descr*>(o));
    static const struct {
        PyTypeObject* type;
        minpy_dtype dtype;
    } known[] = {{&PyFloatArrType_Type, MINPY_FLOAT32}, {&PyDoubleArrType_Type, MINPY_FLOAT64},
                 {&PyFloat_Type, MINPY_FLOAT64},        {&PyIntArrType_Type, MINPY_INT32},
                 {&PyLongArrType_Type, MINPY_INT64},    {&PyLong_Type, MINPY_INT64},
                 {&PyBoolArrType_Type, MINPY_BOOL},     {&PyBool_Type, MINPY_BOOL},
                 {&PyHalfArrType_Type, MINPY_FLOAT16}};
    for (const auto& pair : known)
        if (o == reinterpret_cast<PyObject*>(pair.type)) return pair.dtype;
    return 0;
}

int parse_dtype(PyObject* o, minpy_dtype* out) {
    if ((*out = dtype_of_object(o))) return 1;
    PyArray_Descr* d = nullptr;
    if (PyUnicode_Check(o) && PyUnicode_CompareWithASCIIString(o, "bfloat16") == 0) {
        *out = MINPY_BFLOAT16;
        return 1;
    }
    if (!PyArray_DescrConverter(o, &d)) return 0;
    *out = dtype_of_descr(d);
    Py_DECREF(d);
    return *out ? 1 : -1;
}

}  // namespace minpy::face
