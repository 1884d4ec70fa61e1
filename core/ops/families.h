// All operator families, in the open. A family with arithmetic of its own has <family>.h here and a loop file of the same
// name in core/cpu/loops; every family has <family>.cc with its rows and register_<family>.
#pragma once

// M(family, x) for each family with loops.
#define MINPY_LOOP_FAMILIES(M, x) \
    M(arithmetic, x)              \
    M(bitwise, x)                 \
    M(comparison, x)              \
    M(complex, x)                 \
    M(exponential, x)             \
    M(hyperbolic, x)              \
    M(logic, x)                   \
    M(rounding, x)                \
    M(selection, x)               \
    M(special, x)                 \
    M(statistics, x)              \
    M(trigonometric, x)

// M(family) for each family.
#define MINPY_FAMILIES(M) \
    M(arithmetic)         \
    M(arg_reductions)     \
    M(bitwise)            \
    M(comparison)         \
    M(complex)            \
    M(exponential)        \
    M(hyperbolic)         \
    M(logic)              \
    M(rounding)           \
    M(selection)          \
    M(special)            \
    M(trigonometric)      \
    M(convolution)        \
    M(dropout)            \
    M(embedding)          \
    M(layer_norm)         \
    M(mx)                 \
    M(mx_arithmetic)      \
    M(mx_losses)          \
    M(mx_normalization)   \
    M(mx_sampling)        \
    M(mx_sequences)       \
    M(mx_shapes)          \
    M(normalization)      \
    M(pooling)            \
    M(recurrent)          \
    M(softmax)            \
    M(internal)           \
    M(products)           \
    M(einsum)             \
    M(decompositions)     \
    M(norms)              \
    M(solve)              \
    M(manipulation)       \
    M(indexing)           \
    M(choosing)           \
    M(creation)           \
    M(joining)            \
    M(rearranging)        \
    M(selecting)          \
    M(sorting)            \
    M(searching)          \
    M(random)             \
    M(reductions)         \
    M(scans)              \
    M(statistics)         \
    M(interpolation)      \
    M(histogram)
