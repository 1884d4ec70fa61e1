# npy and npz, there and back; and JSON.
mktempdir() do folder
    for A in ([1.0 2.0 3.0; 4.0 5.0 6.0], Int32[1, 2, 3], fill(2.5), rand(Bool, 2, 2, 2), ComplexF32[1 + 2im 3], zeros(0, 2))
        path = joinpath(folder, "a.npy")
        MinPy.save(path, MPArray(A))
        B = MinPy.load(path)
        @test eltype(B) == eltype(A) && size(B) == size(A) && Array(B) == A
    end
    path = joinpath(folder, "a.npz")
    for compress in (false, true)
        MinPy.save(path, Dict("x" => [1 2; 3 4], "y" => MPArray([0.5])); compress=compress)
        z = MinPy.load(path)
        @test sort(collect(keys(z))) == ["x", "y"] && z["x"] == [1 2; 3 4] && z["y"] == [0.5]
    end
    @test_throws Exception MinPy.load(joinpath(folder, "missing.npy"))
    write(joinpath(folder, "bad.npy"), "no npy")
    @test_throws Exception MinPy.load(joinpath(folder, "bad.npy"))
end

for (text, value) in ["null" => nothing, "true" => true, "-12" => -12, "1.5e3" => 1500.0, "\"a\\n\\u00e9\\ud83d\\ude00\"" => "a\né😀",
                      "[1, [], {}]" => Any[1, Any[], Dict()], "{\"a\": [1, 2.5]}" => Dict("a" => Any[1, 2.5]),
                      "123456789012345678901234567890" => big"123456789012345678901234567890"]
    @test MinPy.parse_json(text) == value
    @test MinPy.parse_json(MinPy.json(value)) == value
end
for bad in ["", "[1,", "{\"a\" 1}", "tru", "1 2", "\"open", "[1 2]"]
    @test_throws ArgumentError MinPy.parse_json(bad)
end
