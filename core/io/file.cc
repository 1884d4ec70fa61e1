#include "core/io/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/array/error.h"

namespace minpy {
namespace {

// The system's words for errno, as Python's OSError has them.
Error system_error(const char* path) {
    int code = errno;
    const char* kind = code == ENOENT                    ? "FileNotFoundError"
                       : code == EACCES || code == EPERM ? "PermissionError"
                                                         : "OSError";
    return {MINPY_E_IO, kind, cat("[Errno ", code, "] ", std::strerror(code), ": '", path, "'")};
}

class Descriptor {
public:
    explicit Descriptor(int fd) : fd_(fd) {}
    ~Descriptor() {
        if (fd_ >= 0) ::close(fd_);
    }
    int get() const { return fd_; }
    int close() {
        int fd = fd_;
        fd_ = -1;
        return ::close(fd);
    }

private:
    int fd_;
};

}  // namespace

std::string read_file(const char* path) {
    Descriptor file(::open(path, O_RDONLY | O_CLOEXEC));
    if (file.get() < 0) throw system_error(path);
    struct stat st;
    if (::fstat(file.get(), &st) != 0) throw system_error(path);
    if (S_ISDIR(st.st_mode)) {
        errno = EISDIR;
        throw system_error(path);
    }
    std::string bytes;
    bytes.resize(size_t(st.st_size));
    size_t have = 0;
    for (;;) {
        if (have == bytes.size()) bytes.resize(have + 65536);  // grew, or a pipe
        ssize_t n = ::read(file.get(), bytes.data() + have, bytes.size() - have);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) throw system_error(path);
        if (n == 0) break;
        have += size_t(n);
    }
    bytes.resize(have);
    return bytes;
}

void write_file(const char* path, const std::string& bytes) {
    std::string fresh = cat(path, ".XXXXXX");
    Descriptor file(::mkostemp(fresh.data(), O_CLOEXEC));
    if (file.get() < 0) throw system_error(path);
    try {
        size_t done = 0;
        while (done < bytes.size()) {
            ssize_t n = ::write(file.get(), bytes.data() + done, bytes.size() - done);
            if (n < 0 && errno == EINTR) continue;
            if (n < 0) throw system_error(path);
            done += size_t(n);
        }
        mode_t mask = ::umask(0);
        ::umask(mask);
        if (::fchmod(file.get(), 0666 & ~mask) != 0 || file.close() != 0 || ::rename(fresh.c_str(), path) != 0)
            throw system_error(path);
    } catch (...) {
        ::unlink(fresh.c_str());
        throw;
    }
}

}  // namespace minpy
