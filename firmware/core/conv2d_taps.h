#ifndef KWS_CONV2D_TAPS_H
#define KWS_CONV2D_TAPS_H

#include "planes.h"

/* A channel of a convolution: its number, and its taps in twos. */
struct kws_tap_counts {
    uint16_t place;
    uint16_t even; /* twos of taps that meet the first value of a word */
    uint16_t odd;  /* twos of those that meet its second */
};

#if defined(__ARM_FEATURE_DSP) && __ARM_FEATURE_DSP

#define KWS_TAPS_WHERE                                                                             \
    "ldrd %[tap], %[other], [%[taps]], #8\n\t"                                                     \
    "add %[p], %[pixels], %[tap], lsr #16\n\t"                                                     \
    "add %[q], %[pixels], %[other], lsr #16\n\t"

/* Two taps of four outputs: 18 cycles. Loads behind a load take a cycle less. */
#define KWS_TAPS_EVEN                                                                              \
    KWS_TAPS_WHERE                                                                                 \
    "ldr %[r], [%[p], #4]\n\t"                                                                     \
    "ldr %[s], [%[q], #4]\n\t"                                                                     \
    "ldr %[p], [%[p]]\n\t"                                                                         \
    "ldr %[q], [%[q]]\n\t"                                                                         \
    "smlabb %[a], %[p], %[tap], %[a]\n\t"                                                          \
    "smlatb %[b], %[p], %[tap], %[b]\n\t"                                                          \
    "smlabb %[c], %[r], %[tap], %[c]\n\t"                                                          \
    "smlatb %[d], %[r], %[tap], %[d]\n\t"                                                          \
    "smlabb %[a], %[q], %[other], %[a]\n\t"                                                        \
    "smlatb %[b], %[q], %[other], %[b]\n\t"                                                        \
    "smlabb %[c], %[s], %[other], %[c]\n\t"                                                        \
    "smlatb %[d], %[s], %[other], %[d]\n\t"

/* Likewise, from the second value on: 21 cycles. */
#define KWS_TAPS_ODD                                                                               \
    KWS_TAPS_WHERE                                                                                 \
    "ldr %[r], [%[p], #4]\n\t"                                                                     \
    "ldr %[s], [%[p], #8]\n\t"                                                                     \
    "ldr %[p], [%[p]]\n\t"                                                                         \
    "smlabb %[b], %[r], %[tap], %[b]\n\t"                                                          \
    "smlatb %[c], %[r], %[tap], %[c]\n\t"                                                          \
    "smlabb %[d], %[s], %[tap], %[d]\n\t"                                                          \
    "smlatb %[a], %[p], %[tap], %[a]\n\t"                                                          \
    "ldr %[r], [%[q], #4]\n\t"                                                                     \
    "ldr %[s], [%[q], #8]\n\t"                                                                     \
    "ldr %[q], [%[q]]\n\t"                                                                         \
    "smlabb %[b], %[r], %[other], %[b]\n\t"                                                        \
    "smlatb %[c], %[r], %[other], %[c]\n\t"                                                        \
    "smlabb %[d], %[s], %[other], %[d]\n\t"                                                        \
    "smlatb %[a], %[q], %[other], %[a]\n\t"

#define KWS_TAPS_RUN(steps)                                                                        \
    __asm__ volatile(steps                                                                         \
                     : [a] "+r"(a), [b] "+r"(b), [c] "+r"(c), [d] "+r"(d), [taps] "+r"(taps),      \
                       [tap] "=&r"(tap), [other] "=&r"(other), [p] "=&r"(p), [q] "=&r"(q),         \
                       [r] "=&r"(r), [s] "=&r"(s)                                                  \
                     : [pixels] "r"(pixels)                                                        \
                     : "memory")
#define KWS_TAPS_LOOP(count, step)                                                                 \
    do {                                                                                           \
        const uint32_t *const end = taps + 2 * (count);                                            \
        if ((count) & 1)                                                                           \
            KWS_TAPS_RUN(step);                                                                    \
        while (taps != end)                                                                        \
            KWS_TAPS_RUN(step step);                                                               \
    } while (0)

/* Adds to twice the sums of four neighbouring outputs what a channel's taps give. */
KWS_INLINE void kws_taps_sums(const int16_t *pixels, const uint32_t *taps, int32_t even,
                              int32_t odd, int32_t sums[4])
{
    int32_t a = sums[0], b = sums[1], c = sums[2], d = sums[3];
    uint32_t tap, other, p, q, r, s;
    KWS_TAPS_LOOP(even, KWS_TAPS_EVEN);
    KWS_TAPS_LOOP(odd, KWS_TAPS_ODD);
    sums[0] = a, sums[1] = b, sums[2] = c, sums[3] = d;
}

#else

KWS_INLINE void kws_taps_sums(const int16_t *pixels, const uint32_t *taps, int32_t even,
                              int32_t odd, int32_t sums[4])
{
    for (int32_t i = 0; i < 2 * (even + odd); ++i)
        for (int32_t k = 0; k < 4; ++k)
            sums[k] += pixels[(taps[i] >> 17) + (i >= 2 * even) + k] * (int16_t)(taps[i] & 0xFFFF);
}

#endif

/* Convolution without dilation by the taps that are not zero. A tap is a word: in its high half how
   many bytes behind the first of the rows under an output the word lies that it meets first, in its
   low half twice its weight. Taps are [channel][even, then odd], each filled up to twos with
   weights of zero; `words` of them are copied to scratch, since they are read many times and each
   time flash would make the processor wait. Behind them it has room for p->rows rows. Biases are
   doubled. Equal to kws_conv2d. */
KWS_INLINE void kws_conv2d_taps(const struct kws_window *w, const struct kws_quantization *q,
                                const struct kws_planes *p, const int8_t *input,
                                const uint32_t *weights, int32_t words,
                                const struct kws_channel_dsp *channels,
                                const struct kws_tap_counts *counts, int32_t n,
                                int32_t *restrict scratch, int8_t *restrict output)
{
    uint32_t *const copy = (uint32_t *)scratch;
    int16_t *const values = (int16_t *)(void *)(scratch + words), *under = values;
    memcpy(copy, weights, (size_t)words * sizeof *weights);
    for (int32_t y = 0; y < w->out_height; ++y) {
        under = kws_planes_next(w, q, p, input, y, values, under);
        const uint32_t *taps = copy;
        for (int32_t i = 0; i < n; ++i) {
            const struct kws_channel_dsp channel = channels[i];
            const struct kws_tap_counts some = counts[i];
            int8_t *to = output + some.place;
            for (int32_t x = 0; x < w->out_width; x += 4, to += 4 * w->out_channels) {
                int32_t sums[4] = {channel.bias, channel.bias, channel.bias, channel.bias};
                kws_taps_sums(under + x, taps, some.even, some.odd, sums);
                kws_planes_outputs(sums, channel, q, w->out_width % 4 ? w->out_width - x : 4,
                                   w->out_channels, to);
            }
            taps += 2 * (some.even + some.odd);
        }
        output += w->out_width * w->out_channels;
    }
}

#endif
