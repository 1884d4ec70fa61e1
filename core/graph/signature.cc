#include "core/graph/signature.h"

namespace minpy {

bool add_to_signature(Signature& key, std::span<const Array> arrays) {
    for (size_t i = 0; i < arrays.size(); ++i) {
        const Array& a = arrays[i];
        if (!a) {
            key.push_back(-1);
            continue;
        }
        if (!a.on_cpu()) return false;
        int64_t same_as = -1;
        for (size_t k = 0; k < i && same_as < 0; ++k)
            if (arrays[k] && &arrays[k].storage() == &a.storage()) same_as = int64_t(k);
        key.push_back(a.ndim() | int64_t(a.dtype()) << 8 | int64_t(a.is_contiguous()) << 16 | (same_as + 1) << 20);
        key.insert(key.end(), a.shape().begin(), a.shape().end());
        if (!a.is_contiguous()) key.insert(key.end(), a.strides().begin(), a.strides().end());
        if (same_as >= 0) key.push_back(a.get()->offset - arrays[size_t(same_as)].get()->offset);
    }
    return true;
}

}  // namespace minpy
