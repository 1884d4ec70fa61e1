// npz archives: zip files of npy entries, stored or deflated (zlib), with zip64 where sizes ask for it.
// Format: pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "core/array/array.h"

namespace minpy {

class Archive {
public:
    explicit Archive(std::string bytes);                              // checks the directory
    const std::vector<std::string>& names() const { return names_; }  // without ".npy"
    Array get(std::string_view name) const;

private:
    struct Entry {
        uint64_t offset, packed, size;
        uint32_t crc;
        uint16_t method;
    };
    std::string bytes_;
    std::vector<std::string> names_;
    std::vector<Entry> entries_;
};

std::string encode_npz(const std::vector<std::pair<std::string, Array>>& arrays, bool compress);

}  // namespace minpy
