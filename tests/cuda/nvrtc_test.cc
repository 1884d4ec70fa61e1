// One generated kernel of each functor, compiled to machine code by NVRTC: the toolkit's or PyPI's. It needs no GPU.
#include <dlfcn.h>
#include <glob.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <iterator>
#include <set>

#include "core/cpu/loops.h"
#include "core/ops/families.h"
#include "core/registry/registry.h"
#include "cuda/generate.h"

namespace minpy::cuda {
namespace {

// The few functions that are used, declared here because PyPI's package may come without its header.
struct Nvrtc {
    using Program = void*;
    int (*create)(Program*, const char* source, const char* name, int, const char* const*, const char* const*);
    int (*compile)(Program, int n, const char* const* options);
    int (*log_size)(Program, size_t*);
    int (*log)(Program, char*);
    int (*cubin_size)(Program, size_t*);
    int (*destroy)(Program*);
    bool found = false;

    Nvrtc() {
        void* library = nullptr;
        for (const char* pattern : {static_cast<const char*>(std::getenv("MINPY_NVRTC")), "libnvrtc.so.13",
                                    "libnvrtc.so.12", "libnvrtc.so"}) {
            glob_t found_files{};
            if (!pattern || library) continue;
            if (glob(pattern, 0, nullptr, &found_files) == 0)
                for (size_t i = 0; i < found_files.gl_pathc && !library; ++i)
                    library = dlopen(found_files.gl_pathv[i], RTLD_NOW | RTLD_LOCAL);
            globfree(&found_files);
            if (!library) library = dlopen(pattern, RTLD_NOW | RTLD_LOCAL);
        }
        if (!library) return;
        auto find = [&](auto& f, const char* name) {
            f = reinterpret_cast<std::remove_reference_t<decltype(f)>>(dlsym(library, name));
            return f != nullptr;
        };
        found = find(create, "nvrtcCreateProgram") && find(compile, "nvrtcCompileProgram") &&
                find(log_size, "nvrtcGetProgramLogSize") && find(log, "nvrtcGetProgramLog") &&
                find(cubin_size, "nvrtcGetCUBINSize") && find(destroy, "nvrtcDestroyProgram");
    }
};

struct Compiled {
    int status;
    std::string log;
    size_t cubin = 0;
};
Compiled compile(const Nvrtc& nvrtc, const std::string& source, const char* architecture) {
    Nvrtc::Program program;
    Compiled result{nvrtc.create(&program, source.c_str(), "generated.cu", 0, nullptr, nullptr), "", 0};
    if (result.status) return result;
    const char* options[] = {architecture, "--std=c++20", "--fmad=false", "--device-as-default-execution-space"};
    result.status = nvrtc.compile(program, 4, options);
    size_t n = 0;
    nvrtc.log_size(program, &n);
    result.log.resize(n);
    nvrtc.log(program, result.log.data());
    if (result.status == 0) nvrtc.cubin_size(program, &result.cubin);
    nvrtc.destroy(&program);
    return result;
}

TEST(Nvrtc, CompilesAGeneratedKernelOfEveryFunctor) {
    Nvrtc nvrtc;
    if (!nvrtc.found) GTEST_SKIP() << "there is no NVRTC on this machine";
    std::set<std::string> families, functors;
    for (const Op* op : Registry::get().all()) {
        if (!op->elementwise || header_text("core/ops/" + op->family + ".h").empty()) continue;
        const Loop* loop = nullptr;
        for (DType t : {DType::float32, DType::int32, DType::boolean})
            if (!loop) loop = op->loops[int(t)];
        if (!loop || !functors.insert(op->functor).second) continue;
        std::vector<DType> in(loop->types, loop->types + loop->n_in);
        std::string source = elementwise_source("generated", op->family, op->functor, in, loop->types[loop->n_in]);
        // The older architecture differs only behind the compiler proper: once for each family.
        bool first = families.insert(op->family).second;
        for (const char* architecture : {"--gpu-architecture=sm_90", "--gpu-architecture=sm_80"}) {
            Compiled result = compile(nvrtc, source, architecture);
            EXPECT_EQ(result.status, 0) << op->family << " " << op->functor << "\n" << result.log.substr(0, 4000);
            EXPECT_GT(result.cubin, 0u);
            if (!first) break;
        }
    }
    const char* all[] = {
#define MINPY_NAME(family, _) #family,
        MINPY_LOOP_FAMILIES(MINPY_NAME, _)};
    EXPECT_EQ(families.size(), std::size(all));
}

}  // namespace
}  // namespace minpy::cuda
