# Julia's linear algebra by operators.

Base.:*(x::MPMatrix, y::MPMatrix) = np.matmul(x, y)
Base.:*(x::MPMatrix, y::MPVector) = np.matmul(x, y)
Base.:*(x::MPVector, y::MPMatrix) = np.matmul(reshape(x, :, 1), y)
Base.:*(x::MPVecOrMat, y::Union{Vector,Matrix}) = x * MPArray(y)
Base.:*(x::Union{Vector,Matrix}, y::MPVecOrMat) = MPArray(x) * y

LinearAlgebra.mul!(out::MPArray, x::MPArray, y::MPArray) = (np.matmul(x, y; out=out); out)
LinearAlgebra.dot(x::MPVector, y::MPVector) = np.vdot(x, y)
LinearAlgebra.dot(x::MPArray, y::MPArray) = np.vdot(vec(x), vec(y))
LinearAlgebra.norm(x::MPArray) = sqrt(sum(abs2.(x)))
LinearAlgebra.norm(x::MPArray, p::Real) = p == 2 ? norm(x) : p == Inf ? maximum(abs.(x)) : p == 1 ? sum(abs.(x)) :
    sum(abs.(x) .^ p)^(1 / p)
LinearAlgebra.tr(x::MPMatrix) = np.trace(x)
LinearAlgebra.diag(x::MPMatrix, k::Integer=0) = np.diagonal(x, k)
LinearAlgebra.det(x::MPMatrix) = np.linalg.det(x)
LinearAlgebra.inv(x::MPMatrix) = np.linalg.inv(x)
LinearAlgebra.kron(x::MPMatrix, y::MPMatrix) = np.kron(x, y)
LinearAlgebra.triu(x::MPMatrix, k::Integer=0) = np.triu(x, k)
LinearAlgebra.tril(x::MPMatrix, k::Integer=0) = np.tril(x, k)
Base.:\(x::MPMatrix, y::MPVector) = vec(np.linalg.solve(x, reshape(y, :, 1)))
Base.:\(x::MPMatrix, y::MPMatrix) = np.linalg.solve(x, y)
