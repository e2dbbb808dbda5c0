#ifndef KWS_FULLY_CONNECTED_NARROW_H
#define KWS_FULLY_CONNECTED_NARROW_H

#include "dsp.h"
#include "window.h"

/* Words of four inputs that may be summed up at once. A field in the highest bits of a half is a
   weight times 2^(16 - bits), in one instruction; 256 of its products are at most
   256 * 255 * 2^(bits - 1) * 2^(16 - bits), which is 255 * 2^23 and within 32 bits. */
#define KWS_NARROW_WORDS 64

#if defined(__ARM_FEATURE_DSP) && __ARM_FEATURE_DSP

#define KWS_NARROW_INPUTS                                                                          \
    "ldr %[odd], [%[input]], #4\n\t"                                                               \
    "sxtab16 %[even], %[offsets], %[odd]\n\t"                                                      \
    "sxtab16 %[odd], %[offsets], %[odd], ror #8\n\t"
#define KWS_NARROW_PAIR(word, shift, inputs, sum)                                                  \
    "and %[fields], %[mask], %[" word "], lsl #" shift "\n\t"                                      \
    "smlad %[" sum "], %[" inputs "], %[fields], %[" sum "]\n\t"
#define KWS_NARROW_OUTPUT(word, even_shift, odd_shift, sum)                                        \
    KWS_NARROW_PAIR(word, even_shift, "even", sum) KWS_NARROW_PAIR(word, odd_shift, "odd", sum)

/* Four inputs times four outputs, 16 multiply-accumulates: 22 cycles with 4 bits, 21 with 2. A load
   straight behind another one takes a cycle less. */
#define KWS_NARROW_4_BITS                                                                          \
    "ldr %[second], [%[weights], #4]\n\t"                                                          \
    "ldr %[first], [%[weights]], #8\n\t"                                                           \
    KWS_NARROW_INPUTS                                                                              \
    KWS_NARROW_OUTPUT("first", "0", "4", "a")                                                      \
    KWS_NARROW_OUTPUT("first", "8", "12", "b")                                                     \
    KWS_NARROW_OUTPUT("second", "0", "4", "c")                                                     \
    KWS_NARROW_OUTPUT("second", "8", "12", "d")
#define KWS_NARROW_2_BITS                                                                          \
    "ldr %[first], [%[weights]], #4\n\t"                                                           \
    KWS_NARROW_INPUTS                                                                              \
    KWS_NARROW_OUTPUT("first", "0", "2", "a")                                                      \
    KWS_NARROW_OUTPUT("first", "4", "6", "b")                                                      \
    KWS_NARROW_OUTPUT("first", "8", "10", "c")                                                     \
    KWS_NARROW_OUTPUT("first", "12", "14", "d")

#define KWS_NARROW_RUN(steps)                                                                      \
    __asm__ volatile(steps                                                                         \
                     : [a] "+r"(a), [b] "+r"(b), [c] "+r"(c), [d] "+r"(d), [input] "+r"(input),    \
                       [weights] "+r"(weights), [even] "=&r"(even), [odd] "=&r"(odd),              \
                       [first] "=&r"(first), [second] "=&r"(second), [fields] "=&r"(fields)        \
                     : [offsets] "r"(offsets), [mask] "r"(mask)                                    \
                     : "memory")
#define KWS_NARROW_LOOP(step)                                                                      \
    do {                                                                                           \
        for (int32_t i = 0; i < words % 4; ++i)                                                    \
            KWS_NARROW_RUN(step);                                                                  \
        while (input != end)                                                                       \
            KWS_NARROW_RUN(step step step step);                                                   \
    } while (0)

/* Adds `words` words of inputs times those of four outputs, whose weights are the fields under the
   mask, to their sums. */
KWS_INLINE void kws_narrow_block(int32_t bits, int32_t words, uint32_t offsets, uint32_t mask,
                                 const int8_t *input, const uint32_t *weights, int32_t sums[4])
{
    int32_t a = sums[0], b = sums[1], c = sums[2], d = sums[3];
    uint32_t even, odd, first, second, fields;
    const int8_t *const end = input + 4 * words;
    if (bits == 4)
        KWS_NARROW_LOOP(KWS_NARROW_4_BITS);
    else
        KWS_NARROW_LOOP(KWS_NARROW_2_BITS);
    sums[0] = a, sums[1] = b, sums[2] = c, sums[3] = d;
}

#else

KWS_INLINE void kws_narrow_block(int32_t bits, int32_t words, uint32_t offsets, uint32_t mask,
                                 const int8_t *input, const uint32_t *weights, int32_t sums[4])
{
    for (int32_t k = 0; k < words; ++k, weights += bits / 2) {
        const uint32_t word = kws_load_word(input + 4 * k);
        const uint32_t even = kws_sxtab16(offsets, word);
        const uint32_t odd = kws_sxtab16_odd(offsets, word);
        for (int32_t i = 0; i < 8; ++i) {
            const uint32_t fields = weights[i * bits / 16] << (i * bits % 16) & mask;
            sums[i / 2] = kws_smlad(i % 2 ? odd : even, fields, sums[i / 2]);
        }
    }
}

#endif

/* As kws_fully_connected_dsp for weights of 4 or 2 bits, [outputs / 4][depth / 4][bits / 2] words:
   halves hold fields of the inputs 0 and 2 of the first output, of the inputs 1 and 3, of the
   inputs 0 and 2 of the next output and so on, from the highest bits on. Equal to
   kws_fully_connected. */
KWS_INLINE void kws_fully_connected_narrow(int32_t depth, int32_t outputs,
                                           const struct kws_quantization *q, const int8_t *input,
                                           int32_t bits, const uint32_t *weights,
                                           const struct kws_channel_dsp *channels,
                                           int8_t *restrict output)
{
    const uint32_t offsets = kws_pair(q->input_offset, q->input_offset);
    const int32_t field = -(1 << (16 - bits)), words = (depth + 3) / 4;
    for (int32_t c = 0; c < outputs; c += 4) {
        int32_t sums[4];
        for (int32_t i = 0; i < 4; ++i)
            sums[i] = channels[c + i].bias;
        for (int32_t k = 0; k < words; k += KWS_NARROW_WORDS) {
            const int32_t some = words - k < KWS_NARROW_WORDS ? words - k : KWS_NARROW_WORDS;
            int32_t parts[4] = {0, 0, 0, 0};
            kws_narrow_block(bits, some, offsets, kws_pair(field, field), input + 4 * k, weights,
                             parts);
            for (int32_t i = 0; i < 4; ++i)
                sums[i] += parts[i] >> (16 - bits);
            weights += some * bits / 2;
        }
        for (int32_t i = 0; i < 4 && c + i < outputs; ++i)
            output[c + i] = kws_requantize_dsp(2 * sums[i], channels[c + i], q);
    }
}

#endif
