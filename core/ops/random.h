// Random numbers, one element at a time: a function of key, draw and index, so that every device gives the same bits in
// any order. Plain scalar C++ (see core/ops/math.h): no includes, no namespace. The logarithm and the sine are made of
// + - * / and sqrt alone, because libraries differ in their last bits.

struct Words {
    unsigned w[4];
};

// Philox 4x32-10: Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3" (2011).
MINPY_FN Words philox(unsigned long long key, Words c) {
    unsigned k0 = unsigned(key), k1 = unsigned(key >> 32);
    for (int round = 0; round < 10; ++round) {
        unsigned long long a = 0xD2511F53ull * c.w[0], b = 0xCD9E8D57ull * c.w[2];
        c = {{unsigned(b >> 32) ^ c.w[1] ^ k0, unsigned(b), unsigned(a >> 32) ^ c.w[3] ^ k1, unsigned(a)}};
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    return c;
}

// The key of a stream: stream 0 is the seed itself, the others are spread by splitmix64.
MINPY_FN unsigned long long stream_key(unsigned long long seed, unsigned long long stream) {
    if (stream == 0) return seed;
    unsigned long long z = stream + 0x9e3779b97f4a7c15ull;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return seed ^ z ^ (z >> 31);
}

// Four words for the element at `index` (below 2**48) of one draw; each call of an operator is a draw of its own, and each
// attempt of a rejection has words of its own.
MINPY_FN Words random_words(unsigned long long key, unsigned long long draw, unsigned long long index,
                            unsigned attempt) {
    return philox(key,
                  {{unsigned(index), unsigned(index >> 32) ^ (attempt << 16), unsigned(draw), unsigned(draw >> 32)}});
}

// In [0, 1): 53 bits, and 24 bits for float.
MINPY_FN double to_unit(unsigned high, unsigned low) {
    return double((((unsigned long long)high << 32) | low) >> 11) * 0x1p-53;
}
MINPY_FN float to_unit(unsigned word) { return float(word >> 8) * 0x1p-24f; }

// log of a normal positive number, as fdlibm's: below one ulp.
MINPY_FN double exact_log(double x) {
    unsigned long long bits = __builtin_bit_cast(unsigned long long, x);
    // x = m 2^k with m in [sqrt(1/2), sqrt(2))
    unsigned long long shifted = bits + (0x3ff0000000000000ull - 0x3fe6a09e667f3bcdull);
    double k = double((long long)(shifted >> 52) - 1023);
    double m = __builtin_bit_cast(double, (shifted & 0xfffffffffffffull) + 0x3fe6a09e667f3bcdull);
    double f = m - 1, s = f / (2 + f), z = s * s, w = z * z, half = 0.5 * f * f;
    double even = w * (3.999999999940941908e-01 + w * (2.222219843214978396e-01 + w * 1.531383769920937332e-01));
    double odd = z * (6.666666666666735130e-01 +
                      w * (2.857142874366239149e-01 + w * (1.818357216161805012e-01 + w * 1.479819860511658591e-01)));
    return k * 6.93147180369123816490e-01 - ((half - (s * (half + (even + odd)) + k * 1.90821492927058770002e-10)) - f);
}

// cos(2 pi u) for u in [0, 1): a quarter turn and a rest of at most an eighth.
MINPY_FN double cos_turn(double u) {
    double quarter = math::floor(4 * u + 0.5), t = (u - 0.25 * quarter) * 6.283185307179586477;
    double z = t * t;
    double c = 1 - 0.5 * z +
               z * z *
                   (4.16666666666666019037e-02 +
                    z * (-1.38888888888741095749e-03 +
                         z * (2.48015872894767294178e-05 +
                              z * (-2.75573143513906633035e-07 +
                                   z * (2.08757232129817482790e-09 + z * -1.13596475577881948265e-11)))));
    double s = t + t * z *
                       (-1.66666666666666324348e-01 +
                        z * (8.33333333332248946124e-03 +
                             z * (-1.98412698298579493134e-04 +
                                  z * (2.75573137070700676789e-06 +
                                       z * (-2.50507602534068634195e-08 + z * 1.58969099521155010221e-10)))));
    int q = int(quarter) & 3;
    double y = q & 1 ? s : c;
    return q == 1 || q == 2 ? -y : y;
}

// What the operators draw.
struct Uniform {
    MINPY_FN double operator()(Words x) const { return to_unit(x.w[0], x.w[1]); }
    MINPY_FN float single(Words x) const { return to_unit(x.w[0]); }
};
// Box and Muller: one of the pair.
struct Normal {
    MINPY_FN double operator()(Words x) const {
        double r = 1 - to_unit(x.w[0], x.w[1]);
        return math::sqrt(-2 * exact_log(r)) * cos_turn(to_unit(x.w[2], x.w[3]));
    }
    MINPY_FN float single(Words x) const { return float((*this)(x)); }
};
struct Exponential {
    MINPY_FN double operator()(Words x) const { return 0 - exact_log(1 - to_unit(x.w[0], x.w[1])); }
    MINPY_FN float single(Words x) const { return float((*this)(x)); }
};

// In [0, n), every value with the same probability (Lemire's method): words that would favour some are rejected.
MINPY_FN unsigned long long random_below(unsigned long long key, unsigned long long draw, unsigned long long index,
                                         unsigned long long n) {
    for (unsigned attempt = 0;; ++attempt) {
        Words x = random_words(key, draw, index, attempt);
        if (n - 1 < 0xffffffffull) {
            unsigned least = unsigned((0x100000000ull - n) % n);
            for (int i = 0; i < 4; ++i) {
                unsigned long long product = x.w[i] * n;
                if (unsigned(product) >= least) return product >> 32;
            }
        } else {
            for (int i = 0; i < 4; i += 2) {
                unsigned long long value = ((unsigned long long)x.w[i] << 32) | x.w[i + 1];
                if (n == 0) return value;  // all 2**64
                if (value >= (0 - n) % n) return value % n;
            }
        }
    }
}
