# libminpy: named by MINPY_LIBRARY, else in the build folder of the repository this package lies in, else wherever the
# system's loader finds it.

# Not RTLD_DEEPBIND, dlopen's default: libminpy and libstdc++ must find the same unwinder, which in Debian's Julia is
# libunwind for the one and would be libgcc for the other; an exception inside libminpy then ends the process.
const dlopen_flags = RTLD_LAZY | RTLD_LOCAL

const library = Ref{Ptr{Cvoid}}(C_NULL)
const library_path = Ref("")

library_file(name, version...) = Sys.isapple() ? join([name, version..., "dylib"], ".") :
    Sys.iswindows() ? "$name.dll" : join([name, "so", version...], ".")

function library_candidates()
    named = get(ENV, "MINPY_LIBRARY", "")
    isempty(named) || return [named]
    repository = normpath(joinpath(@__DIR__, "..", "..", "..", ".."))
    [joinpath(repository, "build", "release", "lib", library_file("libminpy")),
     library_file("libminpy", API.MINPY_ABI_VERSION), library_file("libminpy")]
end

function load_library()
    tried = String[]
    for path in library_candidates()
        handle = isabspath(path) && !ispath(path) ? C_NULL : dlopen(path, dlopen_flags; throw_error=false)
        if handle === nothing || handle == C_NULL
            push!(tried, "  $path: $(isabspath(path) && !ispath(path) ? "no such file" : load_failure(path))")
            continue
        end
        library[], library_path[] = handle, path
        API.load!(name -> something(dlsym(handle, name; throw_error=false), C_NULL))
        return check(API.minpy_initialize(API.MINPY_ABI_VERSION))
    end
    error("libminpy was not found; build it or set MINPY_LIBRARY. Tried:\n", join(tried, "\n"))
end

load_failure(path) =
    try
        dlopen(path, dlopen_flags)
        ""
    catch e
        last(split(sprint(showerror, e), ": "))
    end

"Version of the libminpy that is loaded."
version() = (v = API.minpy_version(); VersionNumber(v >> 16 & 0xff, v >> 8 & 0xff, v & 0xff))

"Whether this libminpy has a feature: `\"cuda\"`, `\"openblas\"`, `\"onednn\"`, `\"zlib\"`, `\"debug\"`."
has_feature(name) = API.minpy_has_feature(string(name)) == 1
