#ifndef KWS_SOFTMAX_H
#define KWS_SOFTMAX_H

#include "requantize.h"

/* 1 / (1 + a) for a in Q0.31 between 0 and 1, in Q0.31, by three Newton-Raphson steps in Q2.29
   from 48/17 - 32/17 * d. gemmlowp's one_over_one_plus_x_for_x_in_0_1. */
KWS_INLINE int32_t kws_reciprocal(int32_t a)
{
    const int32_t half_denominator = (int32_t)(((int64_t)a + INT32_MAX + 1) / 2);
    int32_t x = 1515870810 + kws_doubling_high_multiply(half_denominator, -1010580540);
    for (int step = 0; step < 3; ++step) {
        const int32_t rest = (1 << 29) - kws_doubling_high_multiply(half_denominator, x);
        x += kws_doubling_high_multiply(x, rest) * 4;
    }
    return x > INT32_MAX / 2 ? INT32_MAX : x * 2;
}

/* Softmax over rows of depth values to scale 1/256 and zero point -128. exponentials[d] is
   exp(-d steps of the input) in Q0.31 and what lies beyond the table counts as 0. Equal to
   TensorFlow Lite Micro's reference (Softmax). */
KWS_INLINE void kws_softmax(int32_t rows, int32_t depth, const int32_t *exponentials,
                            int32_t distances, const int8_t *input, int8_t *restrict output)
{
    for (int32_t row = 0; row < rows; ++row, input += depth, output += depth) {
        int32_t greatest = INT8_MIN;
        for (int32_t c = 0; c < depth; ++c)
            greatest = input[c] > greatest ? input[c] : greatest;
        int32_t sum = 0; /* Q12.19 */
        for (int32_t c = 0; c < depth; ++c)
            if (greatest - input[c] < distances)
                sum += kws_rounding_shift_right(exponentials[greatest - input[c]], 12);
        int32_t leading_zeros = 0;
        while (!((uint32_t)sum << leading_zeros & 0x80000000))
            ++leading_zeros;
        const uint32_t fraction = (uint32_t)sum << leading_zeros & 0x7FFFFFFF;
        const int32_t scale = kws_reciprocal((int32_t)fraction);
        const int32_t shift = 12 - leading_zeros + 31 - 8;
        for (int32_t c = 0; c < depth; ++c) {
            int32_t value = 0;
            if (greatest - input[c] < distances)
                value = kws_rounding_shift_right(
                    kws_doubling_high_multiply(scale, exponentials[greatest - input[c]]), shift);
            output[c] = (int8_t)kws_clamp(value - 128, INT8_MIN, INT8_MAX);
        }
    }
}

#endif
