#ifndef KWS_FULLY_CONNECTED_DSP_H
#define KWS_FULLY_CONNECTED_DSP_H

#include "dsp.h"
#include "window.h"

#if defined(__ARM_FEATURE_DSP) && __ARM_FEATURE_DSP

/* Four inputs times four outputs: 21 instructions for 16 multiply-accumulates. */
#define KWS_FULLY_CONNECTED_STEP                                                                   \
    "ldr %[odd], [%[input]], #4\n\t"                                                               \
    "ldrd %[first], %[second], [%[weights]], #8\n\t"                                               \
    "sxtab16 %[even], %[offsets], %[odd]\n\t"                                                      \
    "sxtab16 %[odd], %[offsets], %[odd], ror #8\n\t"                                               \
    "sxtb16 %[half], %[first]\n\t"                                                                 \
    "sxtb16 %[first], %[first], ror #8\n\t"                                                        \
    "smlad %[a], %[even], %[half], %[a]\n\t"                                                       \
    "sxtb16 %[half], %[second]\n\t"                                                                \
    "sxtb16 %[second], %[second], ror #8\n\t"                                                      \
    "smlad %[a], %[odd], %[first], %[a]\n\t"                                                       \
    "smlad %[b], %[even], %[half], %[b]\n\t"                                                       \
    "smlad %[b], %[odd], %[second], %[b]\n\t"                                                      \
    "ldrd %[first], %[second], [%[weights]], #8\n\t"                                               \
    "sxtb16 %[half], %[first]\n\t"                                                                 \
    "sxtb16 %[first], %[first], ror #8\n\t"                                                        \
    "smlad %[c], %[even], %[half], %[c]\n\t"                                                       \
    "sxtb16 %[half], %[second]\n\t"                                                                \
    "sxtb16 %[second], %[second], ror #8\n\t"                                                      \
    "smlad %[c], %[odd], %[first], %[c]\n\t"                                                       \
    "smlad %[d], %[even], %[half], %[d]\n\t"                                                       \
    "smlad %[d], %[odd], %[second], %[d]\n\t"

/* Adds `words` words of inputs times those of four outputs to their sums. words is not 0. */
KWS_INLINE void kws_fully_connected_block(int32_t words, uint32_t offsets, const int8_t *input,
                                          const uint32_t *weights, int32_t sums[4])
{
    uint32_t even, odd, first, second, half;
    const int8_t *const end = input + 4 * words;
    if (words & 1)
        __asm__ volatile(KWS_FULLY_CONNECTED_STEP
                         : [a] "+r"(sums[0]), [b] "+r"(sums[1]), [c] "+r"(sums[2]),
                           [d] "+r"(sums[3]), [input] "+r"(input), [weights] "+r"(weights),
                           [even] "=&r"(even), [odd] "=&r"(odd), [first] "=&r"(first),
                           [second] "=&r"(second), [half] "=&r"(half)
                         : [offsets] "r"(offsets)
                         : "memory");
    while (input != end)
        __asm__ volatile(KWS_FULLY_CONNECTED_STEP KWS_FULLY_CONNECTED_STEP
                         : [a] "+r"(sums[0]), [b] "+r"(sums[1]), [c] "+r"(sums[2]),
                           [d] "+r"(sums[3]), [input] "+r"(input), [weights] "+r"(weights),
                           [even] "=&r"(even), [odd] "=&r"(odd), [first] "=&r"(first),
                           [second] "=&r"(second), [half] "=&r"(half)
                         : [offsets] "r"(offsets)
                         : "memory");
}

#else

KWS_INLINE void kws_fully_connected_block(int32_t words, uint32_t offsets, const int8_t *input,
                                          const uint32_t *weights, int32_t sums[4])
{
    for (int32_t k = 0; k < words; ++k, weights += 4) {
        const uint32_t word = kws_load_word(input + 4 * k);
        const uint32_t even = kws_sxtab16(offsets, word);
        const uint32_t odd = kws_sxtab16_odd(offsets, word);
        for (int32_t i = 0; i < 4; ++i) {
            sums[i] = kws_smlad(even, kws_sxtb16(weights[i]), sums[i]);
            sums[i] = kws_smlad(odd, kws_sxtb16_odd(weights[i]), sums[i]);
        }
    }
}

#endif

/* One row times [depth] to [outputs], four inputs of four outputs at a time. Weights are words of
   four int8, [outputs / 4][depth / 4][4 outputs], zero where depth or outputs are filled up;
   channels come in fours as well. The input is readable up to the next multiple of four. Equal
   to kws_fully_connected. */
KWS_INLINE void kws_fully_connected_dsp(int32_t depth, int32_t outputs,
                                        const struct kws_quantization *q, const int8_t *input,
                                        const uint32_t *weights,
                                        const struct kws_channel_dsp *channels,
                                        int8_t *restrict output)
{
    const uint32_t offsets = kws_pair(q->input_offset, q->input_offset);
    const int32_t words = (depth + 3) / 4;
    for (int32_t c = 0; c < outputs; c += 4) {
        int32_t sums[4];
        for (int32_t i = 0; i < 4; ++i)
            sums[i] = channels[c + i].bias;
        kws_fully_connected_block(words, offsets, input, weights, sums);
        weights += 4 * words;
        for (int32_t i = 0; i < 4 && c + i < outputs; ++i)
            output[c + i] = kws_requantize_dsp(2 * sums[i], channels[c + i], q);
    }
}

#endif
