#ifndef KWS_FULLY_CONNECTED_SINGLE_H
#define KWS_FULLY_CONNECTED_SINGLE_H

#include "dsp.h"
#include "window.h"

#if defined(__ARM_FEATURE_DSP) && __ARM_FEATURE_DSP

/* Four weights: 18 cycles. Loads behind a load take a cycle less. */
#define KWS_FULLY_CONNECTED_SINGLE_STEP                                                            \
    "ldrd %[weights], %[steps], [%[entries]], #8\n\t"                                              \
    "uxtab %[first], %[input], %[steps]\n\t"                                                       \
    "uxtab %[second], %[first], %[steps], ror #8\n\t"                                              \
    "uxtab %[third], %[second], %[steps], ror #16\n\t"                                             \
    "uxtab %[input], %[third], %[steps], ror #24\n\t"                                              \
    "ldrsb %[first], [%[first]]\n\t"                                                               \
    "ldrsb %[second], [%[second]]\n\t"                                                             \
    "ldrsb %[third], [%[third]]\n\t"                                                               \
    "ldrsb %[steps], [%[input]]\n\t"                                                               \
    "sxtb16 %[even], %[weights]\n\t"                                                               \
    "sxtb16 %[weights], %[weights], ror #8\n\t"                                                    \
    "smlabb %[sum], %[first], %[even], %[sum]\n\t"                                                 \
    "smlabb %[sum], %[second], %[weights], %[sum]\n\t"                                             \
    "smlabt %[sum], %[third], %[even], %[sum]\n\t"                                                 \
    "smlabt %[sum], %[steps], %[weights], %[sum]\n\t"
#define KWS_FULLY_CONNECTED_SINGLE_RUN(steps_)                                                     \
    __asm__ volatile(steps_                                                                        \
                     : [sum] "+r"(sum), [input] "+r"(input), [entries] "+r"(entries),              \
                       [first] "=&r"(first), [second] "=&r"(second), [third] "=&r"(third),         \
                       [steps] "=&r"(steps), [weights] "=&r"(weights), [even] "=&r"(even)          \
                     :                                                                             \
                     : "memory")

/* sum and what `fours` times four weights add to it. */
KWS_INLINE int32_t kws_fully_connected_single_row(int32_t fours, const int8_t *input,
                                                  const uint32_t *entries, int32_t sum)
{
    uint32_t first, second, third, steps, weights, even;
    const uint32_t *const end = entries + 2 * fours;
    if (fours & 1)
        KWS_FULLY_CONNECTED_SINGLE_RUN(KWS_FULLY_CONNECTED_SINGLE_STEP);
    while (entries != end)
        KWS_FULLY_CONNECTED_SINGLE_RUN(
            KWS_FULLY_CONNECTED_SINGLE_STEP KWS_FULLY_CONNECTED_SINGLE_STEP);
    return sum;
}

#else

KWS_INLINE int32_t kws_fully_connected_single_row(int32_t fours, const int8_t *input,
                                                  const uint32_t *entries, int32_t sum)
{
    for (int32_t i = 0; i < fours; ++i, entries += 2)
        for (int32_t at = 0; at < 32; at += 8) {
            input += entries[1] >> at & 0xFF;
            sum += *input * (int8_t)(entries[0] >> at & 0xFF);
        }
    return sum;
}

#endif

/* One row times [depth] to [outputs], of which only the weights that are not zero are stored, in
   the order of their inputs: of four of them the weights in a word, then how far each input lies
   behind the one before, in another. A step beyond 255, and what is missing to four, is filled
   with weights of zero. fours has the words of weights of each output. The zero point of the input
   is taken off the biases. Equal to kws_fully_connected. */
KWS_INLINE void kws_fully_connected_single(int32_t outputs, const struct kws_quantization *q,
                                           const int8_t *input, const uint32_t *entries,
                                           const struct kws_channel_dsp *channels,
                                           const uint16_t *fours, int8_t *restrict output)
{
    KWS_FORGET(outputs); /* a compiler that knows it writes the code of a row as often */
    for (int32_t c = 0; c < outputs; ++c) {
        const int32_t sum =
            kws_fully_connected_single_row(fours[c], input, entries, channels[c].bias);
        entries += 2 * fours[c];
        output[c] = kws_requantize_dsp(2 * sum, channels[c], q);
    }
}

#endif
