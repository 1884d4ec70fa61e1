// LAPACK on single column-major matrices of double and complex128, with its workspaces. Callers check
// sizes first: LAPACK prints what it does not like. Each returns its `info`: 0, or > 0 where it failed numerically.
#pragma once
#include "core/array/number.h"

namespace minpy::lapack {

using Int = int32_t;

// a x = b by pivoted elimination: a becomes its factors, b the solution.
template <class T> Int solve(Int n, Int columns, T* a, Int* pivots, T* b);
// The factors P L U of a, in place.
template <class T> Int factor(Int n, T* a, Int* pivots);
// The Cholesky factor of the triangle `uplo` of a, in place.
template <class T> Int cholesky(char uplo, Int n, T* a);
// a[m,n] becomes R above the diagonal and reflectors below; tau[min(m,n)].
template <class T> Int qr(Int m, Int n, T* a, T* tau);
// The first `columns` columns of Q out of k reflectors, in place of them: a[m,columns].
template <class T> Int qr_to_q(Int m, Int columns, Int k, T* a, const T* tau);
// a[m,n] = u diag(s) vt; jobz 'A': square u and vt, 'S': min(m,n) of each, 'N': s alone. Destroys a.
template <class T, class R> Int svd(char jobz, Int m, Int n, T* a, R* s, T* u, T* vt);
// Eigenvalues of a Hermitian matrix in ascending order, with vectors (into a) for jobz 'V'.
template <class T, class R> Int eigh(char jobz, char uplo, Int n, T* a, R* w);
// Eigenvalues and right eigenvectors (null: none) of any matrix, always complex. Destroys a.
template <class T, class C> Int eig(Int n, T* a, C* w, C* vectors);
// The least squares solution of least norm of a[m,n] x = b[max(m,n),columns], into b; singular values, and the rank.
template <class T, class R> Int least_squares(Int m, Int n, Int columns, T* a, T* b, R* s, R rcond, Int* rank);

}  // namespace minpy::lapack
