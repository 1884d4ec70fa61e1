# Tasks that yield in the middle of everything each have their own errors, tapes and settings.
results = Channel{Bool}(1000)
function worker(k)
    x = MPArray(collect(1.0:k))
    own = true
    for _ in 1:10
        yield()
        text = try
            np.add(x, MPArray(zeros(k + 1)))
            ""
        catch e
            yield()
            sprint(showerror, e)
        end
        own &= occursin("($k,) ($(k + 1),)", text)
        g = gradient(x) do v
            yield()
            y = v .* k
            yield()
            sum(y .^ 2)
        end
        own &= g[1] == 2.0 * k^2 .* (1:k)
        with_policy(k % 2 == 0 ? :only_cpu : :prefer_device) do
            yield()
            own &= MinPy.context().policy == (k % 2 == 0 ? MinPy.API.MINPY_POLICY_ONLY_CPU : MinPy.API.MINPY_POLICY_PREFER_DEVICE)
        end
    end
    put!(results, own)
end
@sync for k in 2:41
    @async worker(k)
end
@test all(take!(results) for _ in 2:41)

# On threads, where Julia has some.
ok = fill(false, 40)
Threads.@threads for k in 1:40
    x = MPArray(fill(Float64(k), 10))
    text = try
        np.add(x, MPArray(zeros(11)))
        ""
    catch e
        sprint(showerror, e)
    end
    ok[k] = sum(x .* 2) == 20.0k && occursin("(10,) (11,)", text)
end
@test all(ok)
