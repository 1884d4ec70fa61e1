# Where calls run: devices, policies, random streams; all of them nest and are restored.
c = MinPy.context()
@test c.device == Device(:cpu) && device(MPArray([1.0])) == Device(:cpu)
@test Device(:cpu) in devices() && MinPy.device_info(:cpu).available
with_policy(:only_cpu; fallback=:error) do
    @test c.policy == MinPy.API.MINPY_POLICY_ONLY_CPU && c.fallback == MinPy.API.MINPY_FALLBACK_ERROR
    with_policy(() -> (@test c.policy == MinPy.API.MINPY_POLICY_PREFER_DEVICE), :prefer_device)
    @test c.policy == MinPy.API.MINPY_POLICY_ONLY_CPU
    @test MPArray([1.0]) .+ 1 == [2.0]
end
@test c.policy == MinPy.API.MINPY_POLICY_PREFER_DEVICE
@test_throws ErrorException with_training(() -> error("mine"), true)
@test !c.training
x = MPArray([1.0])
@test to_device(x, :cpu) == x
@test with_device(() -> MPArray([1.0]), :cpu) == x

# Equal seeds, equal numbers.
rng = MinPy.Rng(7)
@test MinPy.state(rng)[1] == 7
a, b = split(MinPy.Rng(1), 2)
@test MinPy.state(a) != MinPy.state(b)

# The report counts.
MinPy.reset_report()
np.add(x, x)
np.add(x, x)
@test occursin("add", MinPy.json(MinPy.report()))
@test MinPy.version() >= v"0.1" && MinPy.has_feature("no such feature") == false
@test MinPy.synchronize() === nothing
trace = MinPy.profile(() -> np.add(x, x))
@test occursin("add", trace) && MinPy.parse_json(trace) !== nothing

draws(seed) = with_rng(() -> (MinPy.rand(3, 2), MinPy.randn(2)), seed)
@test draws(7) == draws(7) && draws(7)[1] != draws(8)[1]
@test size(draws(1)[1]) == (3, 2) && all(0 .<= draws(1)[1] .< 1)
outside = MinPy.rand(2)
@test MinPy.rand(2) != outside
MinPy.seed!(3)
first_draw = MinPy.rand(2)
with_rng(() -> MinPy.rand(2), 5)
@test MinPy.rand(2) != first_draw
MinPy.seed!(3)
@test MinPy.rand(2) == first_draw
