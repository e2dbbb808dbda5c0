#ifndef KWS_FULLY_CONNECTED_BLOCKS_H
#define KWS_FULLY_CONNECTED_BLOCKS_H

#include "dsp.h"
#include "window.h"

#if defined(__ARM_FEATURE_DSP) && __ARM_FEATURE_DSP

#define KWS_BLOCK_OF_FOUR(inputs, weights)                                                         \
    "sxtb16 %[x], %[" inputs "]\n\t"                                                               \
    "sxtb16 %[w], %[" weights "]\n\t"                                                              \
    "sxtb16 %[" inputs "], %[" inputs "], ror #8\n\t"                                              \
    "sxtb16 %[" weights "], %[" weights "], ror #8\n\t"                                            \
    "smlad %[sum], %[x], %[w], %[sum]\n\t"                                                         \
    "smlad %[sum], %[" inputs "], %[" weights "], %[sum]\n\t"

/* Four blocks, 16 weights: 39 cycles. Loads behind a load take a cycle less. */
#define KWS_FULLY_CONNECTED_BLOCKS_STEP                                                            \
    "ldr %[steps], [%[entries]], #20\n\t"                                                          \
    "uxtab %[a], %[input], %[steps]\n\t"                                                           \
    "uxtab %[b], %[a], %[steps], ror #8\n\t"                                                       \
    "uxtab %[c], %[b], %[steps], ror #16\n\t"                                                      \
    "uxtab %[input], %[c], %[steps], ror #24\n\t"                                                  \
    "ldr %[a], [%[a]]\n\t"                                                                         \
    "ldr %[p], [%[entries], #-16]\n\t"                                                             \
    "ldr %[b], [%[b]]\n\t"                                                                         \
    "ldr %[q], [%[entries], #-12]\n\t"                                                             \
    "ldr %[c], [%[c]]\n\t"                                                                         \
    "ldr %[r], [%[entries], #-8]\n\t"                                                              \
    "ldr %[steps], [%[input]]\n\t" /* the inputs of the fourth now */                              \
    "ldr %[s], [%[entries], #-4]\n\t"                                                              \
    KWS_BLOCK_OF_FOUR("a", "p") KWS_BLOCK_OF_FOUR("b", "q")                                        \
    KWS_BLOCK_OF_FOUR("c", "r") KWS_BLOCK_OF_FOUR("steps", "s")

/* sum and what `fours` times four blocks add to it. */
KWS_INLINE int32_t kws_fully_connected_blocks_row(int32_t fours, const int8_t *input,
                                                  const uint32_t *entries, int32_t sum)
{
    uint32_t a, b, c, steps, p, q, r, s, x, w;
    for (const uint32_t *const end = entries + 5 * fours; entries != end;)
        __asm__ volatile(KWS_FULLY_CONNECTED_BLOCKS_STEP
                         : [sum] "+r"(sum), [input] "+r"(input), [entries] "+r"(entries),
                           [a] "=&r"(a), [b] "=&r"(b), [c] "=&r"(c), [steps] "=&r"(steps),
                           [p] "=&r"(p), [q] "=&r"(q), [r] "=&r"(r), [s] "=&r"(s), [x] "=&r"(x),
                           [w] "=&r"(w)
                         :
                         : "memory");
    return sum;
}

#else

KWS_INLINE int32_t kws_fully_connected_blocks_row(int32_t fours, const int8_t *input,
                                                  const uint32_t *entries, int32_t sum)
{
    for (int32_t i = 0; i < fours; ++i, entries += 5)
        for (int32_t k = 0; k < 4; ++k) {
            input += entries[0] >> (8 * k) & 0xFF;
            const uint32_t x = kws_load_word(input), w = entries[1 + k];
            sum = kws_smlad(kws_sxtb16(x), kws_sxtb16(w), sum);
            sum = kws_smlad(kws_sxtb16_odd(x), kws_sxtb16_odd(w), sum);
        }
    return sum;
}

#endif

/* One row times [depth] to [outputs], of which only those blocks of four neighbouring inputs are
   stored in which a weight is not zero: of four blocks, how far each lies behind the one before,
   in bytes of a word, then a word of weights for each. A step beyond 252, and what is missing to
   four, is filled with blocks of zeros. fours has the fours of blocks of each output. The zero
   point of the input is taken off the biases; the input is readable up to the next multiple of
   four. Equal to kws_fully_connected. */
KWS_INLINE void kws_fully_connected_blocks(int32_t outputs, const struct kws_quantization *q,
                                           const int8_t *input, const uint32_t *entries,
                                           const struct kws_channel_dsp *channels,
                                           const uint16_t *fours, int8_t *restrict output)
{
    KWS_FORGET(outputs); /* a compiler that knows it writes the code of a row as often */
    for (int32_t c = 0; c < outputs; ++c) {
        const int32_t sum =
            kws_fully_connected_blocks_row(fours[c], input, entries, channels[c].bias);
        entries += 5 * fours[c];
        output[c] = kws_requantize_dsp(2 * sum, channels[c], q);
    }
}

#endif
