# Nothing is lost: handles go when Julia collects, when asked, and when calls fail.
collect_all() = (GC.gc(); GC.gc(); MinPy.memory_stats())
function work()
    x = MPArray(rand(10, 10))
    for _ in 1:20
        y = sum(exp.(x) .* x'; dims=1)
        gradient(v -> sum(v .^ 2), x)
        try
            np.add(x, MPArray(rand(3)))
        catch
        end
        x[1:2, :] = 0
        x[[1, 3], 2]
        MinPy.Func(a -> a .+ 1)(x)
        np.split(MPArray([1, 2, 3, 4]), 2)
    end
end
work()
before = collect_all()
work()
after = collect_all()
@test after.live_arrays == before.live_arrays
@test after.live_handles == before.live_handles
@test after.in_use == before.in_use

# A scope frees what does not leave it, without a collection.
GC.enable(false)
before = MinPy.memory_stats().live_arrays
kept = scope() do
    a = MPArray([1.0, 2.0])
    b = a .* 2
    scope(() -> b .+ 1)
end
@test MinPy.memory_stats().live_arrays == before + 1
@test kept == [3.0, 5.0]
@test_throws ErrorException scope(() -> (MPArray([1.0]) .+ 1; error("mine")))
GC.enable(true)
x = MPArray(rand(1000))
before = MinPy.memory_stats()
free!(x)
@test MinPy.memory_stats().live_arrays == before.live_arrays - 1

# Borrowed memory is let go of.
lent_before = (MinPy.lend(nothing); length(MinPy.lent))
for _ in 1:10
    MinPy.borrow([1.0])
end
GC.gc()
MinPy.lend(nothing)
@test length(MinPy.lent) <= lent_before + 2

# Memory that Julia does not see makes it collect; refused memory makes libminpy ask it to.
collections = MinPy.pressure.collections
function heavy()
    x = MinPy.zeros(1000, 1000)
    for _ in 1:200  # 1.6 GB in all
        x = x .+ 1
    end
    MinPy.memory_stats().in_use
end
@test heavy() < 800_000_000
@test MinPy.pressure.collections > collections
collections = MinPy.pressure.collections
@test_throws OutOfMemoryError MinPy.zeros(UInt8, 2^46)
@test MinPy.pressure.collections > collections
