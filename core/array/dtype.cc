#include "core/array/dtype.h"

#include "core/array/error.h"

namespace minpy {
namespace {

struct Row {
    const char* name;
    char kind;  // NumPy's: b i u f c
};
constexpr Row kRows[kNumDTypes] = {
    {"none", ' '},    {"bool", 'b'},      {"int8", 'i'},       {"int16", 'i'},    {"int32", 'i'},   {"int64", 'i'},
    {"uint8", 'u'},   {"uint16", 'u'},    {"uint32", 'u'},     {"uint64", 'u'},   {"float16", 'f'}, {"float32", 'f'},
    {"float64", 'f'}, {"complex64", 'c'}, {"complex128", 'c'}, {"bfloat16", 'f'},
};
const Row& row(DType t) { return kRows[int(t)]; }

DType make(char kind, int size) {
    for (int i = 1; i < kNumDTypes; ++i)
        if (kRows[i].kind == kind && kItemsizes[i] == size && DType(i) != DType::bfloat16) return DType(i);
    return DType::none;
}

// The smallest float that NumPy lets an integer of `size` bytes meet in.
int float_size_for(int int_size) { return int_size == 1 ? 2 : int_size == 2 ? 4 : 8; }

DType promote_uncached(DType a, DType b) {
    if (a == b) return a;
    char ka = row(a).kind, kb = row(b).kind;
    int sa = int(itemsize(a)), sb = int(itemsize(b));
    if (ka == 'b') return b;
    if (kb == 'b') return a;
    auto rank = [](char k) { return k == 'u' ? 0 : k == 'i' ? 1 : k == 'f' ? 2 : 3; };
    if (rank(ka) > rank(kb)) return promote_uncached(b, a);
    // ka is the lower kind, or they are equal.
    bool short_a = a == DType::bfloat16, short_b = b == DType::bfloat16;
    if (ka == kb) {
        if ((short_a || short_b) && sa == sb) return DType::float32;  // float16 with bfloat16
        return sa > sb ? a : b;
    }
    if (ka == 'u' && kb == 'i') return sa < sb ? b : sa == 8 ? DType::float64 : make('i', 2 * sa);
    if (kb == 'f') {
        int need = float_size_for(sa);
        return need <= sb ? b : make('f', need);
    }
    // kb is complex: compare by the size of its parts.
    int need = ka == 'f' ? sa : float_size_for(sa);
    return need <= sb / 2 ? b : DType::complex128;
}

struct PromotionTable {
    DType at[kNumDTypes][kNumDTypes];
    PromotionTable() {
        for (int a = 1; a < kNumDTypes; ++a)
            for (int b = 1; b < kNumDTypes; ++b) at[a][b] = promote_uncached(DType(a), DType(b));
    }
};
const PromotionTable kPromotion;

}  // namespace

bool is_dtype(int32_t number) { return number > 0 && number < kNumDTypes; }

DType checked_dtype(int32_t number) {
    if (!is_dtype(number)) throw type_error("data type ", number, " not understood");
    return DType(number);
}

const char* name(DType t) { return row(t).name; }

DType dtype_from_name(std::string_view text) {
    for (int i = 1; i < kNumDTypes; ++i)
        if (text == kRows[i].name) return DType(i);
    return DType::none;
}

DType real_of(DType t) { return t == DType::complex64 ? DType::float32 : t == DType::complex128 ? DType::float64 : t; }

DType complex_of(DType t) {
    if (in(t, kComplex)) return t;
    return t == DType::float32 || in(t, kShortFloat) ? DType::complex64 : DType::complex128;
}

bool can_cast(DType from, DType to, Casting casting) {
    if (from == to || casting == Casting::unsafe) return true;
    if (casting == Casting::no || casting == Casting::equiv) return false;
    if (promote(from, to) == to) return true;
    if (casting == Casting::safe) return false;
    auto rank = [](char k) { return k == 'b' ? 0 : k == 'u' ? 1 : k == 'i' ? 2 : k == 'f' ? 3 : 4; };
    return rank(row(from).kind) <= rank(row(to).kind);
}

const char* name(Casting casting) {
    constexpr const char* names[] = {"?", "no", "equiv", "safe", "same_kind", "unsafe"};
    return names[int(casting)];
}

DType promote(DType a, DType b) { return kPromotion.at[int(a)][int(b)]; }

DType default_dtype(Weak weak) {
    switch (weak) {
        case Weak::boolean: return DType::boolean;
        case Weak::integer: return DType::int64;
        case Weak::floating: return DType::float64;
        case Weak::complex: return DType::complex128;
        default: return DType::none;
    }
}

DType promote(DType strong, Weak weak) {
    if (strong == DType::none) return default_dtype(weak);
    char kind = row(strong).kind;
    switch (weak) {
        case Weak::integer: return kind == 'b' ? DType::int64 : strong;
        case Weak::floating: return kind == 'f' || kind == 'c' ? strong : DType::float64;
        case Weak::complex: return kind == 'c' ? strong : complex_of(strong);
        default: return strong;
    }
}

void throw_unsupported(DType t) { throw type_error("data type '", name(t), "' is not supported here"); }

}  // namespace minpy
