# Runs all tests, or those named: runtests.jl [tiny operators …]. The last line counts the checks.
using Test

const all_tests = ["tiny", "layout", "arrays", "operators", "indexing", "broadcasting", "reductions", "gradients", "errors",
                   "callbacks", "symbols", "files", "context", "device", "tasks", "memory", "cases", "readme"]
const chosen = isempty(ARGS) ? all_tests : ARGS

passed, failed = try
    set = @testset "MinPy" begin
        for name in chosen
            @testset "$name" begin
                place = Module(Symbol("Test_", name))
                Core.eval(place, :(using Test, LinearAlgebra, Statistics, MinPy))
                Base.include(place, joinpath(@__DIR__, "$name.jl"))
            end
        end
    end
    counts = Test.get_test_counts(set)
    counts[1] + counts[5], 0
catch e
    e isa Test.TestSetException || rethrow()
    e.pass, e.fail + e.error
end
println("$passed passed, $failed failed")
exit(failed == 0 ? 0 : 1)
