// Exchange and files: DLPack, npy, npz.
#include "capi/src/boundary.h"
#include "core/io/dlpack.h"
#include "core/io/file.h"
#include "core/io/npy.h"
#include "core/io/npz.h"
#include "core/registry/device.h"

struct minpy_archive_s : minpy::Counted<minpy_archive_s> {
    explicit minpy_archive_s(std::string bytes) : archive(std::move(bytes)) {}
    minpy::Archive archive;
};

using namespace minpy;

namespace {

template <class T> minpy_status export_array(minpy_array a, uint32_t flags, T** out) {
    return guard([&] {
        need(out, "out");
        if (flags & ~uint32_t(MINPY_DLPACK_COPY)) throw value_error("unknown flags ", flags).in_argument("flags");
        Array x = share(a);
        x.data();
        if (minpy_array_is_traced(a)) throw state_error("an array that is being differentiated cannot be exported");
        if (flags & MINPY_DLPACK_COPY) x = x.on_cpu() ? copy_of(x) : copy_on_device(x);
        *out = to_dlpack<T>(x, flags & MINPY_DLPACK_COPY);
    });
}

template <class T> minpy_status import_array(T* t, minpy_array* out) {
    return guard([&] {
        need(out, "out");
        *out = give(from_dlpack(t), Context::current());
    });
}

}  // namespace

minpy_status minpy_array_to_dlpack(minpy_array a, uint32_t flags, struct DLManagedTensorVersioned** out) {
    return export_array(a, flags, out);
}
minpy_status minpy_array_to_dlpack_legacy(minpy_array a, struct DLManagedTensor** out) {
    return export_array(a, 0, out);
}
minpy_status minpy_array_from_dlpack(struct DLManagedTensorVersioned* t, minpy_array* out) {
    return import_array(t, out);
}
minpy_status minpy_array_from_dlpack_legacy(struct DLManagedTensor* t, minpy_array* out) {
    return import_array(t, out);
}

minpy_status minpy_npy_save(const char* path, minpy_array a) {
    return guard([&] {
        need(path, "path");
        write_file(path, encode_npy(to_device(share(a), kCpu)));
    });
}

minpy_status minpy_npy_load(const char* path, minpy_array* out) {
    return guard([&] {
        need(path, "path");
        need(out, "out");
        *out = give(decode_npy(read_file(path)), Context::current());
    });
}

minpy_status minpy_npy_encode(minpy_array a, minpy_buffer* out) {
    return guard([&] {
        need(out, "out");
        *out = make_buffer(encode_npy(to_device(share(a), kCpu)));
    });
}

minpy_status minpy_npy_decode(const void* data, uint64_t size, minpy_array* out) {
    return guard([&] {
        need(out, "out");
        if (size) need(data, "data");
        *out = give(decode_npy({static_cast<const char*>(data), size_t(size)}), Context::current());
    });
}

minpy_status minpy_npz_save(const char* path, const char* const* names, const minpy_array* arrays, int32_t n,
                            uint32_t flags) {
    return guard([&] {
        need(path, "path");
        if (flags & ~uint32_t(MINPY_NPZ_COMPRESS)) throw value_error("unknown flags ", flags).in_argument("flags");
        std::vector<Array> a = arrays_from(arrays, n, "arrays");
        if (n) need(names, "names");
        std::vector<std::pair<std::string, Array>> entries;
        for (int32_t i = 0; i < n; ++i) {
            need(names[i], "names");
            entries.emplace_back(names[i], to_device(a[size_t(i)], kCpu));
        }
        write_file(path, encode_npz(entries, flags & MINPY_NPZ_COMPRESS));
    });
}

minpy_status minpy_npz_open(const char* path, minpy_archive* out) {
    return guard([&] {
        need(path, "path");
        need(out, "out");
        *out = new minpy_archive_s(read_file(path));
    });
}

int32_t minpy_archive_count(minpy_archive z) { return z ? int32_t(z->archive.names().size()) : 0; }

const char* minpy_archive_name(minpy_archive z, int32_t i) {
    return z && i >= 0 && size_t(i) < z->archive.names().size() ? z->archive.names()[size_t(i)].c_str() : nullptr;
}

minpy_status minpy_archive_get(minpy_archive z, const char* name, minpy_array* out) {
    return guard([&] {
        need(out, "out");
        need(name, "name");
        if (!z) throw value_error("z is a null handle").in_argument("z");
        *out = give(z->archive.get(name), Context::current());
    });
}

void minpy_archive_release(minpy_archive z) {
    if (z) z->release();
}
