#include "core/registry/backends.h"

#include <dirent.h>
#include <dlfcn.h>
#include <sys/stat.h>

#include <cstdlib>
#include <cstring>
#include <map>

#include "core/io/json.h"
#include "core/registry/registry.h"

namespace minpy {
namespace {

struct Backend {
    std::string path, name, version, refused;
    minpy_device_api* device = nullptr;
};

struct Table {
    std::recursive_mutex mutex;
    bool searched = false;
    std::vector<Backend> backends;
    std::map<std::pair<std::string, int32_t>, minpy_kernel_desc> kernels;  // (operator, device kind)
    std::map<std::pair<std::string, int32_t>, HostKernel> host_kernels;
    std::vector<std::unique_ptr<std::string>> names;
};
Table& table() {
    static Table* t = new Table;
    return *t;
}

minpy_status host_register(minpy_device_api* device, const minpy_kernel_desc* kernel) {
    if (!device || !kernel || kernel->struct_size < sizeof(minpy_kernel_desc) || !kernel->op || !kernel->run)
        return MINPY_E_INVALID;
    try {
        Table& t = table();
        std::lock_guard lock(t.mutex);
        t.kernels[{kernel->op, device->kind}] = *kernel;
        return MINPY_OK;
    } catch (...) { return MINPY_E_NOMEM; }
}

minpy_status host_workspace(const minpy_kernel_call* call, uint64_t bytes, void** out) {
    auto* s = static_cast<KernelCallStorage*>(call->call);
    try {
        int64_t shape[] = {int64_t(bytes)};
        s->workspaces.push_back(empty(shape, DType::uint8, s->device));
        *out = s->workspaces.back().raw();
        return MINPY_OK;
    } catch (...) { return MINPY_E_NOMEM; }
}

minpy_status host_fail(const minpy_kernel_call* call, minpy_status code, const char* message) {
    try {
        static_cast<KernelCallStorage*>(call->call)->error = message ? message : "";
    } catch (...) {}
    return code;
}

// Storage that backends can name. A late failure of memory that is gone interests nobody.
struct Tokens {
    std::mutex mutex;
    std::map<uint64_t, Storage*> storage;
    uint64_t next = 1;
};
Tokens& tokens() {
    static Tokens* t = new Tokens;
    return *t;
}

void host_poison(uint64_t token, minpy_status code, const char* op, const char* message) {
    try {
        Tokens& t = tokens();
        std::lock_guard lock(t.mutex);
        auto it = t.storage.find(token);
        if (it == t.storage.end()) return;
        Storage& s = *it->second;
        auto error = std::make_unique<Error>(
            code, "RuntimeError",
            cat(op ? op : "a kernel", " failed on ", to_string(s.device), ": ", message ? message : ""));
        error->op = op ? op : "";
        Storage::Extra& e = s.extra_data();
        std::lock_guard inner(e.mutex);
        e.poison = std::move(error);
        s.set(Storage::kPoisoned);
    } catch (...) {  // no memory for the text: the synchronisation still reports the status
    }
}

minpy_status host_visit_elementwise(void (*visit)(void*, const char*, const char*), void* payload) {
    if (!visit) return MINPY_E_INVALID;
    try {
        for (const Op* op : Registry::get().all())
            if (op->elementwise) visit(payload, op->name.c_str(), op->functor.c_str());
        return MINPY_OK;
    } catch (...) { return MINPY_E_NOMEM; }
}

const minpy_host_api kHost = {sizeof(minpy_host_api), MINPY_BACKEND_ABI, 0x000100,  0,
                              host_register,          host_workspace,    host_fail, host_poison,
                              host_visit_elementwise};

// Why a file or folder must not be trusted, or "".
std::string untrusted(const char* path) {
    struct stat st;
    if (stat(path, &st) != 0) return cat("cannot be read: ", std::strerror(errno));
    if (st.st_mode & S_IWOTH) return "is writable by everybody";
    return "";
}

void load(Table& t, const std::string& path) {
    Backend b;
    b.path = path;
    if (path.empty() || path[0] != '/') {
        b.refused = "the path is not absolute";
    } else if (b.refused = untrusted(path.c_str()); b.refused.empty()) {
        void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
        if (!library) {
            b.refused = dlerror();
        } else if (void* symbol = dlsym(library, "minpy_backend_init_v1"); !symbol) {
            b.refused = "has no function minpy_backend_init_v1";
        } else {
            minpy_backend out{};
            out.struct_size = sizeof out;
            minpy_status status = reinterpret_cast<minpy_backend_init_fn>(symbol)(&kHost, &out);
            if (status != MINPY_OK)
                b.refused = cat("its initialisation failed with status ", status, out.name ? cat(": ", out.name) : "");
            else if (out.abi_version != MINPY_BACKEND_ABI)
                b.refused =
                    cat("was built for backend ABI ", out.abi_version, ", this library has ", MINPY_BACKEND_ABI);
            else if (!out.device || out.device->struct_size < sizeof(minpy_device_api))
                b.refused = "its device table is too small";
            else b.device = out.device;
            if (b.device) {
                b.name = out.name ? out.name : "";
                b.version = out.version ? out.version : "";
            }
        }  // never dlclosed: code of it may be referred to
    }
    t.backends.push_back(std::move(b));
}

void search_folder(Table& t, const std::string& folder) {
    if (DIR* dir = opendir(folder.c_str())) {
        std::vector<std::string> found;
        while (dirent* e = readdir(dir)) {
            std::string file = e->d_name;
            if (file.size() > 3 && file.substr(file.size() - 3) == ".so") found.push_back(folder + "/" + file);
        }
        closedir(dir);
        std::sort(found.begin(), found.end());
        for (const std::string& path : found) load(t, path);
    }
}

void search(Table& t) {
    if (t.searched) return;
    t.searched = true;
    Dl_info info;
    if (dladdr(reinterpret_cast<void*>(&search_folder), &info) && info.dli_fname && info.dli_fname[0] == '/') {
        std::string self = info.dli_fname;
        search_folder(t, self.substr(0, self.rfind('/')) + "/minpy/backends-0");
    }
    if (const char* path = secure_getenv("MINPY_BACKEND_PATH")) {
        std::string rest = path;
        while (!rest.empty()) {
            size_t colon = rest.find(':');
            std::string folder = rest.substr(0, colon);
            rest = colon == std::string::npos ? "" : rest.substr(colon + 1);
            if (!folder.empty() && folder[0] == '/') search_folder(t, folder);
        }
    }
}

}  // namespace

const minpy_device_api* find_device_api(int32_t kind) {
    Table& t = table();
    std::lock_guard lock(t.mutex);
    search(t);
    for (const Backend& b : t.backends)
        if (b.device && b.device->kind == kind) return b.device;
    return nullptr;
}

void load_backend(const char* path) {
    Table& t = table();
    std::lock_guard lock(t.mutex);
    load(t, path);
    const Backend& b = t.backends.back();
    if (!b.device) throw Error(MINPY_E_IO, "OSError", cat("backend ", path, " was refused: it ", b.refused));
}

std::string backend_report() {
    Table& t = table();
    std::lock_guard lock(t.mutex);
    search(t);
    Json rows = Json::array();
    for (const Backend& b : t.backends) {
        Json row = Json::object({{"path", b.path}, {"loaded", b.device != nullptr}});
        if (b.device) {
            row.set("name", b.name);
            row.set("version", b.version);
            row.set("devices", b.device->count);
        } else {
            row.set("refused", b.refused);
        }
        rows.push_back(row);
    }
    return rows.dump();
}

void register_host_kernel(const std::string& op, int32_t kind, HostKernel kernel) {
    find_op(op);
    Table& t = table();
    std::lock_guard lock(t.mutex);
    t.host_kernels[{op, kind}] = std::move(kernel);
}

bool run_backend_kernel(Call& c, const Arrays& inputs, Device device, const char** reason) {
    Table& t = table();
    minpy_kernel_desc kernel{};
    HostKernel host;
    {
        std::lock_guard lock(t.mutex);
        if (auto it = t.host_kernels.find({c.op.name, device.kind}); it != t.host_kernels.end()) host = it->second;
        else if (auto k = t.kernels.find({c.op.name, device.kind}); k != t.kernels.end()) kernel = k->second;
        else return *reason = "no_kernel", false;
    }
    if (host) return host(c), true;
    KernelCallStorage s;
    fill_kernel_call(c, inputs, device, s);
    if (kernel.supports && !kernel.supports(kernel.payload, &s.call, reason)) return false;
    minpy_status status = kernel.run(kernel.payload, &s.call);
    if (status == MINPY_OK) return true;
    throw Error(status, status == MINPY_E_NOMEM ? "MemoryError" : "RuntimeError",
                s.error.empty() ? cat("the kernel failed on ", to_string(device), " with status ", status) : s.error);
}

uint64_t make_token(Storage& s) {
    Tokens& t = tokens();
    std::lock_guard lock(t.mutex);
    t.storage.emplace(t.next, &s);
    return t.next++;
}

void forget_token(uint64_t token) noexcept {
    Tokens& t = tokens();
    std::lock_guard lock(t.mutex);
    t.storage.erase(token);
}

}  // namespace minpy
