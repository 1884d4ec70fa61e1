# Every block of the README runs, each in a module of its own, and gives the values that its comments show.
readme = read(joinpath(@__DIR__, "..", "README.md"), String)
blocks = [m[1] for m in eachmatch(r"```julia\n(.*?)```"s, readme)]
@test length(blocks) >= 6
for (i, block) in enumerate(blocks)
    place = Module(Symbol("Readme", i))
    at = 1
    while at <= ncodeunits(block)
        expression, next = Meta.parse(block, at)
        text = strip(SubString(block, at, prevind(block, next)))
        at = next
        expression === nothing && continue
        got = mktemp((_, io) -> redirect_stdout(() -> Core.eval(place, expression), io))
        @test true
        m = match(r"#\s*([\[(][^#:]*[\])])(:.*)?$", text)
        m === nothing && continue
        startswith(text, "println") && continue
        wanted = Core.eval(place, Meta.parse(m[1]))
        @test (got isa AbstractArray ? Array(got) : got) == wanted
    end
end
