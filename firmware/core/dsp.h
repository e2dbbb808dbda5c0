#ifndef KWS_DSP_H
#define KWS_DSP_H

#include <stdint.h>
#include <string.h>

#include "requantize.h"
#include "window.h"

/* The Cortex-M4's DSP instructions that the kernels use, as inline assembly where the compiler
   targets them and as equal portable C elsewhere, so that the same kernels run, and are tested,
   on every host. A pair is two int16 in a word, the first in the low half. */

/* As struct kws_channel for sums below 2^30 and multipliers below 1. rounding is half a step of
   the shift, plus the output's zero point shifted by as much. */
struct kws_channel_dsp {
    int32_t bias;
    int32_t multiplier;
    int32_t rounding;
    int32_t shift;
};

KWS_INLINE uint32_t kws_load_word(const void *from)
{
    uint32_t word;
    __builtin_memcpy(&word, from, sizeof word);
    return word;
}

KWS_INLINE void kws_store_word(void *to, uint32_t word)
{
    __builtin_memcpy(to, &word, sizeof word);
}

KWS_INLINE uint32_t kws_pair(int32_t low, int32_t high)
{
    return ((uint32_t)low & 0xFFFF) | ((uint32_t)high << 16);
}

#if defined(__ARM_FEATURE_DSP) && __ARM_FEATURE_DSP

/* sum + low(a) * low(b) + high(a) * high(b) */
KWS_INLINE int32_t kws_smlad(uint32_t a, uint32_t b, int32_t sum)
{
    int32_t result;
    __asm__("smlad %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(sum));
    return result;
}

/* sum + low(a) * low(b) */
KWS_INLINE int32_t kws_smlabb(uint32_t a, uint32_t b, int32_t sum)
{
    int32_t result;
    __asm__("smlabb %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(sum));
    return result;
}

/* sum + high(a) * low(b) */
KWS_INLINE int32_t kws_smlatb(uint32_t a, uint32_t b, int32_t sum)
{
    int32_t result;
    __asm__("smlatb %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(sum));
    return result;
}

/* Bytes 0 and 2 of word, sign-extended and added to the halves of pair. */
KWS_INLINE uint32_t kws_sxtab16(uint32_t pair, uint32_t word)
{
    uint32_t result;
    __asm__("sxtab16 %0, %1, %2" : "=r"(result) : "r"(pair), "r"(word));
    return result;
}

/* Bytes 1 and 3 of word, sign-extended and added to the halves of pair. */
KWS_INLINE uint32_t kws_sxtab16_odd(uint32_t pair, uint32_t word)
{
    uint32_t result;
    __asm__("sxtab16 %0, %1, %2, ror #8" : "=r"(result) : "r"(pair), "r"(word));
    return result;
}

/* Bytes 0 and 2 of word, sign-extended. */
KWS_INLINE uint32_t kws_sxtb16(uint32_t word)
{
    uint32_t result;
    __asm__("sxtb16 %0, %1" : "=r"(result) : "r"(word));
    return result;
}

/* Bytes 1 and 3 of word, sign-extended. */
KWS_INLINE uint32_t kws_sxtb16_odd(uint32_t word)
{
    uint32_t result;
    __asm__("sxtb16 %0, %1, ror #8" : "=r"(result) : "r"(word));
    return result;
}

/* The halves of a minus those of b. */
KWS_INLINE uint32_t kws_ssub16(uint32_t a, uint32_t b)
{
    uint32_t result;
    __asm__("ssub16 %0, %1, %2" : "=r"(result) : "r"(a), "r"(b));
    return result;
}

/* The low halves of two pairs. */
KWS_INLINE uint32_t kws_pack_low(uint32_t first, uint32_t second)
{
    uint32_t result;
    __asm__("pkhbt %0, %1, %2, lsl #16" : "=r"(result) : "r"(first), "r"(second));
    return result;
}

/* The high halves of two pairs. */
KWS_INLINE uint32_t kws_pack_high(uint32_t first, uint32_t second)
{
    uint32_t result;
    __asm__("pkhtb %0, %1, %2, asr #16" : "=r"(result) : "r"(second), "r"(first));
    return result;
}

/* The lowest `bits` bits of a word; a constant. */
KWS_INLINE uint32_t kws_extract(uint32_t word, int32_t bits)
{
    uint32_t result;
    __asm__("ubfx %0, %1, #0, %2" : "=r"(result) : "r"(word), "i"(bits));
    return result;
}

/* into, but from bit `at` on the lowest `bits` bits of from; at and bits must be constants. */
KWS_INLINE uint32_t kws_insert(uint32_t into, uint32_t from, int32_t at, int32_t bits)
{
    __asm__("bfi %0, %1, %2, %3" : "+r"(into) : "r"(from), "i"(at), "i"(bits));
    return into;
}

/* The nearest int8; gcc does not find the instruction by itself. */
KWS_INLINE int32_t kws_saturate(int32_t x)
{
    __asm__("ssat %0, #8, %0" : "+r"(x));
    return x;
}

/* The same of x / 2^shift, rounded down; shift is a constant from 1 to 31. */
KWS_INLINE int32_t kws_saturate_shifted(int32_t x, int32_t shift)
{
    __asm__("ssat %0, #8, %0, asr %1" : "+r"(x) : "i"(shift));
    return x;
}

/* sum + a * b */
KWS_INLINE uint64_t kws_smlal(int32_t a, int32_t b, uint64_t sum)
{
    __asm__("smlal %Q0, %R0, %1, %2" : "+r"(sum) : "r"(a), "r"(b));
    return sum;
}

/* (a * b + 2^31) / 2^32, rounded down. */
KWS_INLINE int32_t kws_smmulr(int32_t a, int32_t b)
{
    int32_t result;
    __asm__("smmulr %0, %1, %2" : "=r"(result) : "r"(a), "r"(b));
    return result;
}

/* sum + kws_smmulr(a, b) */
KWS_INLINE int32_t kws_smmlar(int32_t a, int32_t b, int32_t sum)
{
    int32_t result;
    __asm__("smmlar %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(sum));
    return result;
}

#else

KWS_INLINE int32_t kws_low(uint32_t pair)
{
    return (int16_t)(pair & 0xFFFF);
}

KWS_INLINE int32_t kws_high(uint32_t pair)
{
    return (int16_t)(pair >> 16);
}

KWS_INLINE int32_t kws_smlad(uint32_t a, uint32_t b, int32_t sum)
{
    return sum + kws_low(a) * kws_low(b) + kws_high(a) * kws_high(b);
}

KWS_INLINE int32_t kws_smlabb(uint32_t a, uint32_t b, int32_t sum)
{
    return sum + kws_low(a) * kws_low(b);
}

KWS_INLINE int32_t kws_smlatb(uint32_t a, uint32_t b, int32_t sum)
{
    return sum + kws_high(a) * kws_low(b);
}

KWS_INLINE uint32_t kws_sxtab16(uint32_t pair, uint32_t word)
{
    return kws_pair(kws_low(pair) + (int8_t)(word & 0xFF),
                    kws_high(pair) + (int8_t)(word >> 16 & 0xFF));
}

KWS_INLINE uint32_t kws_sxtab16_odd(uint32_t pair, uint32_t word)
{
    return kws_sxtab16(pair, word >> 8);
}

KWS_INLINE uint32_t kws_sxtb16(uint32_t word)
{
    return kws_sxtab16(0, word);
}

KWS_INLINE uint32_t kws_sxtb16_odd(uint32_t word)
{
    return kws_sxtab16(0, word >> 8);
}

KWS_INLINE uint32_t kws_ssub16(uint32_t a, uint32_t b)
{
    return kws_pair(kws_low(a) - kws_low(b), kws_high(a) - kws_high(b));
}

KWS_INLINE uint32_t kws_pack_low(uint32_t first, uint32_t second)
{
    return (first & 0xFFFF) | second << 16;
}

KWS_INLINE uint32_t kws_pack_high(uint32_t first, uint32_t second)
{
    return first >> 16 | (second & 0xFFFF0000);
}

KWS_INLINE uint32_t kws_extract(uint32_t word, int32_t bits)
{
    return word & (((uint32_t)1 << bits) - 1);
}

KWS_INLINE uint32_t kws_insert(uint32_t into, uint32_t from, int32_t at, int32_t bits)
{
    const uint32_t mask = (((uint32_t)1 << bits) - 1) << at;
    return (into & ~mask) | (from << at & mask);
}

KWS_INLINE int32_t kws_saturate(int32_t x)
{
    return kws_clamp(x, INT8_MIN, INT8_MAX);
}

KWS_INLINE int32_t kws_saturate_shifted(int32_t x, int32_t shift)
{
    return kws_saturate(x >> shift);
}

KWS_INLINE uint64_t kws_smlal(int32_t a, int32_t b, uint64_t sum)
{
    return sum + (uint64_t)((int64_t)a * b);
}

KWS_INLINE int32_t kws_smmulr(int32_t a, int32_t b)
{
    return (int32_t)(((int64_t)a * b + ((int64_t)1 << 31)) >> 32);
}

KWS_INLINE int32_t kws_smmlar(int32_t a, int32_t b, int32_t sum)
{
    return sum + kws_smmulr(a, b);
}

#endif

/* Twice a sum with its bias times the multiplier, rounded as kws_requantize rounds it: what is left
   is the shift. Where the clamp cuts off all that lies below the zero point, negative values need
   not be rounded away from zero. */
KWS_INLINE int32_t kws_scale_dsp(int32_t twice, struct kws_channel_dsp channel,
                                 const struct kws_quantization *q)
{
    if (q->low < q->output_zero_point) {
        const int32_t product = kws_smmulr(twice, channel.multiplier);
        return product + (product >> 31) + channel.rounding;
    }
    return kws_smmlar(twice, channel.multiplier, channel.rounding);
}

/* Twice a sum with its bias to an int8 output. */
KWS_INLINE int8_t kws_requantize_dsp(int32_t twice, struct kws_channel_dsp channel,
                                     const struct kws_quantization *q)
{
    const int32_t sum = kws_scale_dsp(twice, channel, q) >> channel.shift;
    if (q->low == INT8_MIN && q->high == INT8_MAX)
        return (int8_t)kws_saturate(sum);
    return (int8_t)kws_clamp(sum, q->low, q->high);
}

#endif
