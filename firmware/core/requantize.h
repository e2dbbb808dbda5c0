#ifndef KWS_REQUANTIZE_H
#define KWS_REQUANTIZE_H

#include <stdint.h>

#define KWS_INLINE static inline __attribute__((always_inline, unused))

/* Keeps a compiler from remembering where a pointer into the static arena points: it would build
   each address anew, in two instructions, where an offset from a register would do. */
#define KWS_FORGET(pointer) __asm__("" : "+r"(pointer))

/* How an output channel's int32 sum becomes int8: the bias is added, then the sum is multiplied
   by multiplier * 2^(left - right - 31). One of left and right is 0. */
struct kws_channel {
    int32_t bias;
    int32_t multiplier;
    int32_t left;
    int32_t right;
};

/* a * b / 2^31 rounded to nearest, halves up. gemmlowp's SaturatingRoundingDoublingHighMul but
   for its saturation, which two operands of -2^31 alone reach. */
KWS_INLINE int32_t kws_doubling_high_multiply(int32_t a, int32_t b)
{
    return (int32_t)(((int64_t)a * b + ((int64_t)1 << 30)) >> 31);
}

/* x / 2^bits rounded to nearest, halves away from zero. gemmlowp's RoundingDivideByPOT. */
KWS_INLINE int32_t kws_rounding_shift_right(int32_t x, int32_t bits)
{
    const int32_t mask = (int32_t)(((uint32_t)1 << bits) - 1);
    const int32_t threshold = (mask >> 1) + (x < 0);
    return (x >> bits) + ((x & mask) > threshold);
}

/* x * multiplier * 2^(left - right - 31), rounded twice: TensorFlow Lite's
   MultiplyByQuantizedMultiplier. |x| * 2^left is below 2^31; the compiler of networks sees to it. */
KWS_INLINE int32_t kws_requantize(int32_t x, int32_t multiplier, int32_t left, int32_t right)
{
    const int32_t shifted = (int32_t)((uint32_t)x << left);
    return kws_rounding_shift_right(kws_doubling_high_multiply(shifted, multiplier), right);
}

KWS_INLINE int32_t kws_clamp(int32_t x, int32_t low, int32_t high)
{
    return x < low ? low : x > high ? high : x;
}

#endif
