// cuBLAS and cuDNN, found by name when first asked for: the plugin loads without them, and what needs one that is absent
// falls back.
#pragma once
#include <dlfcn.h>

namespace minpy::cuda {

class Library {
public:
    // Sonames, the preferred one first; null ends.
    explicit Library(const char* const* names) {
        for (; *names && !handle_; ++names) handle_ = dlopen(*names, RTLD_NOW | RTLD_LOCAL);
    }
    explicit operator bool() const { return handle_ && complete_; }
    template <class F> void find(F*& function, const char* name) {
        function = handle_ ? reinterpret_cast<F*>(dlsym(handle_, name)) : nullptr;
        complete_ = complete_ && function;
    }

private:
    void* handle_ = nullptr;  // never closed: handles of it live as long as the process
    bool complete_ = true;
};

#define MINPY_TEXT2(x) #x
#define MINPY_TEXT(x)  MINPY_TEXT2(x)

}  // namespace minpy::cuda
