# Every block of the README runs, each in a module of its own; `# value` after a line is compared where it is a value.
readme = read(joinpath(@__DIR__, "..", "README.md"), String)
blocks = [m[1] for m in eachmatch(r"```julia\n(.*?)```"s, readme)]
@test length(blocks) >= 6
for (i, block) in enumerate(blocks)
    place = Module(Symbol("Readme", i))
    @test (mktemp((_, io) -> redirect_stdout(() -> include_string(place, block), io)); true)
    for line in split(block, '\n')
        m = match(r"^(gradient|np\.sum|sum|f)(\(.*?\)(?:\[1\])?)\s+# ([\[(][^\]):]*[\])])", line)
        m === nothing && continue
        got, wanted = include_string(place, m[1] * m[2]), include_string(place, String(m[3]))
        @test got isa AbstractArray ? Array(got) == wanted : got == wanted
    end
end
