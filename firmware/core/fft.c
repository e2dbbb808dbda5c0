#include "frontend.h"
#include "single_precision.h"

/* Radix 4, decimation in time: J. W. Cooley and J. W. Tukey, "An algorithm for the machine
   calculation of complex Fourier series", Mathematics of Computation 19 (1965). */

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("O3")
#endif

struct complex {
    float re, im;
};

static inline __attribute__((always_inline)) struct complex turned(const float *z, const float *by)
{
    const struct complex product = {
        kws_product(z[0], by[0]) - kws_product(z[1], by[1]),
        kws_product(z[0], by[1]) + kws_product(z[1], by[0]),
    };
    return product;
}

/* Transform of the four numbers a, b, c, d, stored `stride` floats apart. */
static inline __attribute__((always_inline)) void
four_points(struct complex a, struct complex b, struct complex c, struct complex d, float *z,
            size_t stride)
{
    const struct complex sum = {a.re + c.re, a.im + c.im};
    const struct complex difference = {a.re - c.re, a.im - c.im};
    const struct complex odd_sum = {b.re + d.re, b.im + d.im};
    const struct complex odd_difference = {b.re - d.re, b.im - d.im};
    z[0] = sum.re + odd_sum.re;
    z[1] = sum.im + odd_sum.im;
    z[stride] = difference.re + odd_difference.im;
    z[stride + 1] = difference.im - odd_difference.re;
    z[2 * stride] = sum.re - odd_sum.re;
    z[2 * stride + 1] = sum.im - odd_sum.im;
    z[3 * stride] = difference.re - odd_difference.im;
    z[3 * stride + 1] = difference.im + odd_difference.re;
}

static inline __attribute__((always_inline)) struct complex at(const float *z)
{
    const struct complex number = {z[0], z[1]};
    return number;
}

/* The transforms whose numbers need no turning: the first of each block of 4 * stride floats. */
static inline __attribute__((always_inline)) void first_of_blocks(float *z, size_t stride)
{
    for (float *const end = z + KWS_FFT; z < end; z += 4 * stride)
        four_points(at(z), at(z + stride), at(z + 2 * stride), at(z + 3 * stride), z, stride);
}

/* All others: blocks of `stride` floats are joined by fours; twiddles are three numbers for each
   place in a block. */
static inline __attribute__((always_inline)) void join_blocks(float *spectrum, size_t stride,
                                                              const float *twiddles)
{
    first_of_blocks(spectrum, stride);
    for (size_t place = 2; place < stride; place += 2, twiddles += 6)
        for (float *z = spectrum + place; z < spectrum + KWS_FFT; z += 4 * stride)
            four_points(at(z), turned(z + stride, twiddles), turned(z + 2 * stride, twiddles + 2),
                        turned(z + 3 * stride, twiddles + 4), z, stride);
}

#if KWS_FFT != 512
#error "the stages are those of 256 points"
#endif

/* Each stage is written out, as constant strides become offsets in the instructions. */
void kws_fft(float spectrum[KWS_FFT])
{
    const float *twiddles = kws_twiddles;
    first_of_blocks(spectrum, 2);
    join_blocks(spectrum, 8, twiddles);
    join_blocks(spectrum, 32, twiddles + 3 * 6);
    join_blocks(spectrum, 128, twiddles + 3 * 6 + 15 * 6);
}
