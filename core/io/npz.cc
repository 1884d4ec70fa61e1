#include "core/io/npz.h"

#include <zlib.h>

#include <algorithm>
#include <cstring>

#include "core/io/npy.h"

namespace minpy {
namespace {

constexpr uint32_t kLocal = 0x04034b50, kCentral = 0x02014b50, kEnd = 0x06054b50, kEnd64 = 0x06064b50,
                   kLocator64 = 0x07064b50;
constexpr uint64_t kMax32 = 0xffffffffu;

Error broken(std::string_view why) { return value_error("cannot read this npz archive: ", why); }

// Little-endian fields, with every access checked.
class Reader {
public:
    explicit Reader(std::string_view bytes) : bytes_(bytes) {}
    uint64_t field(uint64_t at, int n) const {
        if (at > bytes_.size() || bytes_.size() - at < uint64_t(n)) throw broken("it is truncated");
        uint64_t value = 0;
        for (int i = n - 1; i >= 0; --i) value = value << 8 | static_cast<unsigned char>(bytes_[at + uint64_t(i)]);
        return value;
    }
    std::string_view slice(uint64_t at, uint64_t n) const {
        if (at > bytes_.size() || bytes_.size() - at < n) throw broken("it is truncated");
        return bytes_.substr(at, n);
    }

private:
    std::string_view bytes_;
};

void put(std::string& out, uint64_t value, int n) {
    for (int i = 0; i < n; ++i) out.push_back(char(value >> (8 * i)));
}

std::string inflate_all(std::string_view packed, uint64_t size) {
    // Deflate expands at most 1032 times: a larger claim is a lie that must not cost memory.
    if (size / 1040 > packed.size()) throw broken("an entry claims an impossible size");
    std::string out(size, 0);
    z_stream z{};
    if (inflateInit2(&z, -MAX_WBITS) != Z_OK) throw std::bad_alloc();
    z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
    uint64_t in_left = packed.size(), out_left = size;
    z.next_out = reinterpret_cast<Bytef*>(out.data());
    int status = Z_OK;
    while (status == Z_OK) {
        z.avail_in = uInt(std::min<uint64_t>(in_left, 1u << 30));
        z.avail_out = uInt(std::min<uint64_t>(out_left, 1u << 30));
        uint64_t in_before = z.avail_in, out_before = z.avail_out;
        status = inflate(&z, Z_NO_FLUSH);
        in_left -= in_before - z.avail_in;
        out_left -= out_before - z.avail_out;
        if (status == Z_BUF_ERROR || (status == Z_OK && in_before == z.avail_in && out_before == z.avail_out)) break;
    }
    inflateEnd(&z);
    if (status == Z_MEM_ERROR) throw std::bad_alloc();
    if (status != Z_STREAM_END || out_left) throw broken("an entry cannot be unpacked");
    return out;
}

std::string deflate_all(const std::string& bytes) {
    z_stream z{};
    if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        throw std::bad_alloc();
    std::string out;
    uint64_t left = bytes.size();
    z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    int status = Z_OK;
    char chunk[1 << 16];
    try {
        while (status != Z_STREAM_END) {
            z.avail_in = uInt(std::min<uint64_t>(left, 1u << 30));
            uint64_t before = z.avail_in;
            z.next_out = reinterpret_cast<Bytef*>(chunk);
            z.avail_out = sizeof chunk;
            status = deflate(&z, left == before ? Z_FINISH : Z_NO_FLUSH);
            left -= before - z.avail_in;
            out.append(chunk, sizeof chunk - z.avail_out);
        }
    } catch (...) {
        deflateEnd(&z);
        throw;
    }
    deflateEnd(&z);
    return out;
}

uint32_t crc_of(std::string_view bytes) {
    return uint32_t(crc32_z(crc32_z(0, nullptr, 0), reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

}  // namespace

Archive::Archive(std::string bytes) : bytes_(std::move(bytes)) {
    Reader r(bytes_);
    if (bytes_.size() < 22) throw broken("it is too short for a zip file");
    // The end record stands before a comment of at most 64 KiB.
    uint64_t end = bytes_.size() - 22, lowest = end > 65535 ? end - 65535 : 0;
    while (r.field(end, 4) != kEnd) {
        if (end == lowest) throw broken("it is no zip file");
        --end;
    }
    uint64_t count = r.field(end + 10, 2), at = r.field(end + 16, 4);
    if (end >= 20 && r.field(end - 20, 4) == kLocator64) {
        uint64_t end64 = r.field(end - 12, 8);
        if (r.field(end64, 4) != kEnd64) throw broken("its zip64 record is missing");
        count = r.field(end64 + 32, 8);
        at = r.field(end64 + 48, 8);
    }
    if (count > bytes_.size() / 46) throw broken("it claims an impossible number of entries");
    for (uint64_t i = 0; i < count; ++i) {
        if (r.field(at, 4) != kCentral) throw broken("its directory is damaged");
        Entry e{r.field(at + 42, 4), r.field(at + 20, 4), r.field(at + 24, 4), uint32_t(r.field(at + 16, 4)),
                uint16_t(r.field(at + 10, 2))};
        uint64_t name_size = r.field(at + 28, 2), extra_size = r.field(at + 30, 2), comment = r.field(at + 32, 2);
        std::string name(r.slice(at + 46, name_size));
        if (r.field(at + 8, 2) & 1) throw broken("an entry is encrypted");
        for (uint64_t x = at + 46 + name_size, stop = x + extra_size; x + 4 <= stop;) {
            uint64_t id = r.field(x, 2), size = r.field(x + 2, 2), p = x + 4;
            if (id == 1) {
                for (uint64_t* field : {&e.size, &e.packed, &e.offset}) {
                    if (*field != kMax32) continue;
                    *field = r.field(p, 8);
                    p += 8;
                }
            }
            x += 4 + size;
        }
        if (name.size() > 4 && name.substr(name.size() - 4) == ".npy") name.resize(name.size() - 4);
        names_.push_back(std::move(name));
        entries_.push_back(e);
        at += 46 + name_size + extra_size + comment;
    }
}

Array Archive::get(std::string_view name) const {
    auto it = std::find(names_.begin(), names_.end(), name);
    if (it == names_.end()) throw Error(MINPY_E_NOTFOUND, "KeyError", cat(name, " is not a file in the archive"));
    const Entry& e = entries_[size_t(it - names_.begin())];
    Reader r(bytes_);
    if (r.field(e.offset, 4) != kLocal) throw broken("an entry is not where the directory says");
    uint64_t start = e.offset + 30 + r.field(e.offset + 26, 2) + r.field(e.offset + 28, 2);
    std::string_view packed = r.slice(start, e.packed);
    std::string unpacked;
    if (e.method == 8) {
        unpacked = inflate_all(packed, e.size);
        packed = unpacked;
    } else if (e.method != 0) {
        throw broken(cat("an entry is packed by method ", e.method));
    }
    if (crc_of(packed) != e.crc) throw broken(cat("the checksum of '", name, "' is wrong"));
    return decode_npy(packed);
}

std::string encode_npz(const std::vector<std::pair<std::string, Array>>& arrays, bool compress) {
    std::string out, directory;
    for (const auto& [key, array] : arrays) {
        std::string name = key + ".npy", plain = encode_npy(array),
                    packed = compress ? deflate_all(plain) : std::string();
        const std::string& body = compress ? packed : plain;
        uint64_t offset = out.size();
        bool wide = plain.size() >= kMax32 || body.size() >= kMax32 || offset >= kMax32;
        std::string extra;
        if (wide) {
            put(extra, 1, 2);
            put(extra, 24, 2);
            put(extra, plain.size(), 8);
            put(extra, body.size(), 8);
            put(extra, offset, 8);
        }
        auto common = [&](std::string& to) {
            put(to, wide ? 45 : 20, 2);  // version needed
            put(to, 0x0800, 2);          // names are UTF-8
            put(to, compress ? 8 : 0, 2);
            put(to, 0, 2);
            put(to, 0x21, 2);  // 1980-01-01: equal arrays give equal files
            put(to, crc_of(plain), 4);
            put(to, wide ? kMax32 : body.size(), 4);
            put(to, wide ? kMax32 : plain.size(), 4);
            put(to, name.size(), 2);
            put(to, extra.size(), 2);
        };
        put(out, kLocal, 4);
        common(out);
        out += name + extra;
        out += body;
        put(directory, kCentral, 4);
        put(directory, 0x032d, 2);  // made by Unix, version 4.5
        common(directory);
        put(directory, 0, 2);
        put(directory, 0, 4);
        put(directory, 0100644u << 16, 4);
        put(directory, wide ? kMax32 : offset, 4);
        directory += name + extra;
    }
    uint64_t start = out.size(), n = arrays.size();
    out += directory;
    if (start >= kMax32 || n >= 0xffff) {
        uint64_t end64 = out.size();
        put(out, kEnd64, 4);
        put(out, 44, 8);
        put(out, 0x032d, 2);
        put(out, 45, 2);
        put(out, 0, 8);
        put(out, n, 8);
        put(out, n, 8);
        put(out, directory.size(), 8);
        put(out, start, 8);
        put(out, kLocator64, 4);
        put(out, 0, 4);
        put(out, end64, 8);
        put(out, 1, 4);
    }
    put(out, kEnd, 4);
    put(out, 0, 4);
    put(out, std::min<uint64_t>(n, 0xffff), 2);
    put(out, std::min<uint64_t>(n, 0xffff), 2);
    put(out, std::min<uint64_t>(directory.size(), kMax32), 4);
    put(out, std::min<uint64_t>(start, kMax32), 4);
    put(out, 0, 2);
    return out;
}

}  // namespace minpy
