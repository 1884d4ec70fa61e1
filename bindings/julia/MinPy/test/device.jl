# On the simulated device: memory that Julia cannot touch, few kernels, the rest falls back.
plugin = joinpath(get(ENV, "MINPY_BUILD", normpath(joinpath(@__DIR__, "..", "..", "..", "..", "build", "release"))),
                  "lib", "test-backends", "libminpy_simdev.so")
if isfile(plugin)
    MinPy.load_backend(plugin)
    sim = Device(:extension)
    A = [1.0 2.0 3.0; 4.0 5.0 6.0]
    x = MPArray(A; device=sim)
    @test sim in devices() && device(x) == sim && Array(x) == A
    @test device(x .+ 1) == sim && x .+ 1 == A .+ 1 && x .* x == A .* A
    @test occursin("on Device(:extension, 0)", repr(MIME"text/plain"(), x))
    @test to_device(x, :cpu) == A && device(to_device(x, :cpu)) == Device(:cpu)
    @test sum(x) == 21.0                       # a number on a device stays there until it is looked at
    @test device(sum(x)) == sim
    @test with_device(() -> device(MPArray(A)), sim) == sim
    @test device(x[1, :]) == sim && x[1, :] == A[1, :] && @allowscalar(x[2, 2]) == 5.0
    y = copy(x)
    y[:, 2] = 0
    y .+= 1
    @test y == [2.0 1.0 4.0; 5.0 1.0 7.0] && device(y) == sim
    g = gradient(v -> sum(v .* v), x)[1]
    @test g == 2A && device(g) == sim
    @test with_policy(() -> sort(vec(x)), :prefer_device) == sort(vec(A))

    # What has no kernel there is counted, or refused.
    MinPy.reset_report()
    np.sort(x; dims=1)
    @test !isempty(MinPy.report()["fallbacks"])
    @test_throws MinPyError with_policy(() -> np.cumsum(x; dims=1), :prefer_device; fallback=:error)
    @test MinPy.synchronize(sim) === nothing
else
    @info "no simulated device was built: device tests are left out"
end
