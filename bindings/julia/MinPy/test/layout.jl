# The structs have C's sizes and offsets: a C program prints them.
function c_layout(header_folder)
    mktempdir() do folder
        source, program = joinpath(folder, "layout.c"), joinpath(folder, "layout")
        open(source, "w") do io
            println(io, "#include <stdio.h>\n#include <minpy/minpy.h>\nint main(void) {")
            for T in MinPy.API.structs
                println(io, "printf(\"$(nameof(T)) %zu\", sizeof($(nameof(T))));")
                for field in fieldnames(T)
                    println(io, "printf(\" %zu\", offsetof($(nameof(T)), $field));")
                end
                println(io, "printf(\"\\n\");")
            end
            println(io, "return 0; }")
        end
        run(`cc -I$header_folder -o $program $source`)
        split.(readlines(`$program`))
    end
end

build = get(ENV, "MINPY_BUILD", normpath(joinpath(@__DIR__, "..", "..", "..", "..", "build", "release")))
if Sys.which("cc") !== nothing && isfile(joinpath(build, "include", "minpy", "minpy.h"))
    lines = c_layout(joinpath(build, "include"))
    @test length(lines) == length(MinPy.API.structs)
    for (T, line) in zip(MinPy.API.structs, lines)
        @test [string(nameof(T)), string(sizeof(T)), string.(fieldoffset.(T, 1:fieldcount(T)))...] == line
    end
else
    @info "no C compiler or no header: layouts are not compared"
end
@test MinPy.API.minpy_array_info().struct_size == sizeof(MinPy.API.minpy_array_info)
@test MinPy.API.minpy_abi_version() == MinPy.API.MINPY_ABI_VERSION
# Every function of the header is in the library.
@test isempty(MinPy.API.names[MinPy.API.addresses.==C_NULL])
