# A multilayer perceptron on handwritten digits, by plain gradient descent: mlp.jl DIGITS.NPZ
push!(LOAD_PATH, joinpath(@__DIR__, "..", "..", "bindings", "julia"))
using MinPy, Printf, Statistics

function loss(x, onehot, w1, b1, w2, b2)
    hidden = tanh.(x * w1 .+ b1')
    logits = hidden * w2 .+ b2'
    logits = logits .- maximum(logits; dims=2)
    log_probabilities = logits .- log.(sum(exp.(logits); dims=2))
    -mean(sum(log_probabilities .* onehot; dims=2))
end

function train(path; epochs=5, batch=64)
    data = MinPy.load(path)
    x = data["digits"]
    onehot = Float64.(data["labels"] .== (0:9)')
    weights = [data[name] for name in ("w1", "b1", "w2", "b2")]
    rate, n = data["lr"][], size(x, 1)
    for epoch in 1:epochs
        total = 0.0
        for first in 1:batch:n
            rows = first:min(first + batch - 1, n)
            xs, ys = view(x, rows, :), view(onehot, rows, :)
            value, gradients = value_and_gradient((w...) -> loss(xs, ys, w...), weights...)
            for (w, g) in zip(weights, gradients)
                w .-= rate .* g
            end
            total += value * length(rows)
        end
        @printf("epoch %d loss %.6f\n", epoch, total / n)
    end
end

train(ARGS[1])
