#ifndef KWS_CONV2D_LANES_H
#define KWS_CONV2D_LANES_H

#include "dsp.h"
#include "narrow.h"
#include "window.h"

/* Four multiply-accumulates in one 32 x 32 bit multiplication: with z = 2^21,

       (v + w z) (x + y z) = v x + (w x + v y) z + w y z^2

   is, for two taps w, v and two neighbours x, y, what they add to three neighbouring outputs. A
   64-bit sum carries the three as lanes of 21 bits. It starts with what makes each lane's least
   value 0, so that none borrows from the next; the compiler of networks chooses this kernel only
   if the greatest value fits as well. The idea is that of Liu et al., "HiKonv: High Throughput
   Quantized Convolution With Novel Bit-wise Management and Computation" (2021).

   Columns are taken apart by their remainder modulo the stride (phases), since the outputs are a
   convolution of stride 1 over each phase. */

#define KWS_LANE_BITS 21

struct kws_lanes {
    int32_t phases;      /* stride of the columns */
    int32_t phase_words; /* pairs of neighbours in a phase of a row */
    int32_t tap_words;   /* pairs of taps in a phase of a row */
    int32_t blocks;      /* 64-bit sums of a row of outputs: threes, then two or three at the end */
    int32_t rows;        /* rows of the image that the scratch has room for */
    int32_t channels;    /* that are computed */
};

/* memcpy that is worth it for a few bytes. */
KWS_INLINE void kws_lanes_copy(const int8_t *from, int32_t size, int8_t *to)
{
    int32_t i = 0;
    for (; i + 4 <= size; i += 4)
        kws_store_word(to + i, kws_load_word(from + i));
    for (; i < size; ++i)
        to[i] = from[i];
}

/* A row of the image as pairs of neighbours, phase by phase; line holds its columns, zero point
   not taken off yet, padding included. */
KWS_INLINE void kws_lanes_pack(const struct kws_lanes *l, int32_t offset, const int8_t *line,
                               int32_t *words)
{
    const int32_t offsets = offset + offset * (1 << KWS_LANE_BITS);
    for (int32_t phase = 0; phase < l->phases; ++phase)
        for (int32_t i = 0; i < l->phase_words; ++i) {
            const int8_t *pair = line + 2 * i * l->phases + phase;
            *words++ = pair[0] + pair[l->phases] * (1 << KWS_LANE_BITS) + offsets;
        }
}

/* Adds to `blocks` neighbouring sums, two or three, what `rows` rows of pairs times their taps
   give. Where there are two, a word behind the pairs is read in vain; behind the rows there is the
   line. */
KWS_INLINE void kws_lanes_multiply(int32_t blocks, int32_t rows, int32_t stride, int32_t tap_words,
                                   const int32_t *pairs, const int32_t *taps, uint64_t sums[3])
{
    uint64_t a = sums[0], b = sums[1], c = sums[2];
    for (int32_t i = 0; i < rows; ++i, pairs += stride, taps += tap_words) {
        int32_t first = pairs[0], second = pairs[1];
        for (int32_t t = 0; t < tap_words; ++t) {
            const int32_t third = pairs[t + 2];
            a = kws_smlal(first, taps[t], a);
            b = kws_smlal(second, taps[t], b);
            if (blocks == 3)
                c = kws_smlal(third, taps[t], c);
            first = second, second = third;
        }
    }
    sums[0] = a, sums[1] = b, sums[2] = c;
}

#if defined(__ARM_FEATURE_DSP) && __ARM_FEATURE_DSP

/* Two words of taps. A load straight behind another one takes a cycle less, so they come in groups
   as large as five registers let them be; what moves a pointer comes late in its group, since the
   next load from there may have to wait for it. Written out as often as it is to run: gcc takes
   the lines of assembly for its size.

   Six multiplications, 24 multiply-accumulates: 14 cycles. */
#define KWS_LANES_STEP                                                                             \
    "ldr %[other], [%[taps], #4]\n\t"                                                              \
    "ldr %[second], [%[pairs], #4]\n\t"                                                            \
    "ldr %[third], [%[pairs], #8]\n\t"                                                             \
    "ldr %[tap], [%[taps]], #8\n\t"                                                                \
    "ldr %[first], [%[pairs]], #%c[step]\n\t"                                                      \
    "smlal %Q[a], %R[a], %[first], %[tap]\n\t"                                                     \
    "smlal %Q[b], %R[b], %[second], %[tap]\n\t"                                                    \
    "smlal %Q[c], %R[c], %[third], %[tap]\n\t"                                                     \
    "ldr %[first], [%[pairs], #12 - %c[step]]\n\t" /* first is the fourth now */                   \
    "smlal %Q[a], %R[a], %[second], %[other]\n\t"                                                  \
    "smlal %Q[b], %R[b], %[third], %[other]\n\t"                                                   \
    "smlal %Q[c], %R[c], %[first], %[other]\n\t"

/* Two steps in 27 cycles: the first one's last pair comes with the second one's first. */
#define KWS_LANES_2_STEPS                                                                          \
    "ldr %[other], [%[taps], #4]\n\t"                                                              \
    "ldr %[second], [%[pairs], #4]\n\t"                                                            \
    "ldr %[third], [%[pairs], #8]\n\t"                                                             \
    "ldr %[tap], [%[taps]], #16\n\t"                                                               \
    "ldr %[first], [%[pairs]], #%c[step]\n\t"                                                      \
    "smlal %Q[a], %R[a], %[first], %[tap]\n\t"                                                     \
    "smlal %Q[b], %R[b], %[second], %[tap]\n\t"                                                    \
    "smlal %Q[c], %R[c], %[third], %[tap]\n\t"                                                     \
    "smlal %Q[a], %R[a], %[second], %[other]\n\t"                                                  \
    "smlal %Q[b], %R[b], %[third], %[other]\n\t"                                                   \
    "ldr %[third], [%[pairs], #12 - %c[step]]\n\t" /* third is the fourth now */                   \
    "ldr %[tap], [%[taps], #-8]\n\t"                                                               \
    "ldr %[second], [%[pairs], #4]\n\t"                                                            \
    "ldr %[first], [%[pairs]], #%c[step]\n\t"                                                      \
    "smlal %Q[c], %R[c], %[third], %[other]\n\t"                                                   \
    "smlal %Q[a], %R[a], %[first], %[tap]\n\t"                                                     \
    "smlal %Q[b], %R[b], %[second], %[tap]\n\t"                                                    \
    "ldr %[other], [%[taps], #-4]\n\t"                                                             \
    "ldr %[third], [%[pairs], #8 - %c[step]]\n\t"                                                  \
    "ldr %[first], [%[pairs], #12 - %c[step]]\n\t" /* first is the fourth now */                   \
    "smlal %Q[a], %R[a], %[second], %[other]\n\t"                                                  \
    "smlal %Q[c], %R[c], %[third], %[tap]\n\t"                                                     \
    "smlal %Q[b], %R[b], %[third], %[other]\n\t"                                                   \
    "smlal %Q[c], %R[c], %[first], %[other]\n\t"

/* A step for two sums: 16 multiply-accumulates in 10 cycles. */
#define KWS_LANES_SHORT_STEP                                                                       \
    "ldr %[other], [%[taps], #4]\n\t"                                                              \
    "ldr %[second], [%[pairs], #4]\n\t"                                                            \
    "ldr %[third], [%[pairs], #8]\n\t"                                                             \
    "ldr %[tap], [%[taps]], #8\n\t"                                                                \
    "ldr %[first], [%[pairs]], #%c[step]\n\t"                                                      \
    "smlal %Q[a], %R[a], %[first], %[tap]\n\t"                                                     \
    "smlal %Q[b], %R[b], %[second], %[tap]\n\t"                                                    \
    "smlal %Q[a], %R[a], %[second], %[other]\n\t"                                                  \
    "smlal %Q[b], %R[b], %[third], %[other]\n\t"

#define KWS_LANES_5(steps) steps steps steps steps steps
#define KWS_LANES_COMMON                                                                           \
    [a] "+r"(a), [b] "+r"(b), [pairs] "+r"(pairs), [taps] "+r"(taps),                  \
        [first] "=&r"(first), [second] "=&r"(second), [third] "=&r"(third), [tap] "=&r"(tap),      \
        [other] "=&r"(other)
#define KWS_LANES_RUN(steps)                                                                       \
    __asm__ volatile(steps                                                                         \
                     : KWS_LANES_COMMON, [c] "+r"(c)                                               \
                     : [step] "i"(4 * stride)                                                      \
                     : "memory")
#define KWS_LANES_RUN_SHORT(steps)                                                                 \
    __asm__ volatile(steps : KWS_LANES_COMMON : [step] "i"(4 * stride) : "memory")

/* kws_lanes_multiply for two words of taps. stride must be a constant below 64: what a load adds to
   a pointer is below 256. */
KWS_INLINE void kws_lanes_multiply_2(int32_t blocks, int32_t rows, int32_t stride,
                                     const int32_t *pairs, const int32_t *taps, uint64_t sums[3])
{
    uint64_t a = sums[0], b = sums[1], c = sums[2];
    int32_t first, second, third, tap, other;
    const int32_t *const end = taps + 2 * rows;
    if (blocks == 2) {
        for (int32_t i = 0; i < rows % 10; ++i)
            KWS_LANES_RUN_SHORT(KWS_LANES_SHORT_STEP);
        while (taps != end)
            KWS_LANES_RUN_SHORT(KWS_LANES_5(KWS_LANES_SHORT_STEP KWS_LANES_SHORT_STEP));
    } else {
        if (rows % 2)
            KWS_LANES_RUN(KWS_LANES_STEP);
        for (int32_t i = 0; i < rows / 2 % 5; ++i)
            KWS_LANES_RUN(KWS_LANES_2_STEPS);
        while (taps != end)
            KWS_LANES_RUN(KWS_LANES_5(KWS_LANES_2_STEPS));
    }
    sums[0] = a, sums[1] = b, sums[2] = c;
}

/* Taps are read many times, and each time flash would make the processor wait. */
KWS_INLINE const int32_t *kws_lanes_wide(const int32_t *weights, int32_t words, int32_t *copy)
{
    KWS_FORGET(copy);
    memcpy(copy, weights, (size_t)words * sizeof *weights);
    return copy;
}

#else

/* Four sums, since these make a vector, of which the last one or two come to nothing: up to two
   words behind the pairs are read in vain. */
KWS_INLINE void kws_lanes_multiply_2(int32_t blocks, int32_t rows, int32_t stride,
                                     const int32_t *pairs, const int32_t *taps, uint64_t sums[3])
{
    uint64_t vector[4] = {0, 0, 0, 0};
    for (int32_t i = 0; i < rows; ++i, pairs += stride, taps += 2)
        for (int32_t k = 0; k < 4; ++k)
            vector[k] = kws_smlal(pairs[k + 1], taps[1], kws_smlal(pairs[k], taps[0], vector[k]));
    for (int32_t k = 0; k < blocks; ++k)
        sums[k] += vector[k];
}

KWS_INLINE const int32_t *kws_lanes_wide(const int32_t *weights, int32_t words, int32_t *copy)
{
    (void)words, (void)copy;
    return weights;
}

#endif

/* Words of taps as the multiplications read them; those of 4 or 2 bits stand in flash as fields
   (kws_unpack_pairs). */
KWS_INLINE const int32_t *kws_lanes_taps(const int32_t *weights, int32_t bits, int32_t words,
                                         int32_t *copy)
{
    if (bits == 8)
        return kws_lanes_wide(weights, words, copy);
    const int32_t mask = (1 << bits) - 1, half = 1 << (bits - 1);
    const int32_t halves = half + half * (1 << KWS_LANE_BITS);
    KWS_FORGET(copy);
    for (int32_t i = 0; i < words; i += 16 / bits, ++weights)
        for (int32_t k = 0; k < 16 / bits; ++k) {
            const int32_t fields = *weights >> (bits * k);
            copy[i + k] =
                (fields & mask) + (fields >> 16 & mask) * (1 << KWS_LANE_BITS) - halves;
        }
    return copy;
}

/* The first lane of a sum, from its lower word. */
KWS_INLINE int32_t kws_lane_first(uint32_t low)
{
    return (int32_t)kws_extract(low, KWS_LANE_BITS);
}

/* The second lane of a sum. */
KWS_INLINE int32_t kws_lane_second(uint32_t low, uint32_t high)
{
    return (int32_t)kws_insert(low >> KWS_LANE_BITS, high, 32 - KWS_LANE_BITS,
                               2 * KWS_LANE_BITS - 32);
}

/* Sums of one channel for a row of outputs that are on their way out. */
struct kws_lanes_outputs {
    int8_t *before;  /* where the output belongs of which a part is carried */
    int8_t *next;    /* where the one after it belongs */
    int32_t step;    /* from one to the next */
    int32_t carried; /* the first lane of the output before is the last of the sum before */
};

/* Rows of pairs times one channel's taps to `blocks` sums, and these to outputs, of which `left`
   are missing. Each sum completes the output before and gives one more and a part of the next. */
KWS_INLINE void kws_lanes_run(const struct kws_lanes *l, int32_t blocks, int32_t left, int32_t rows,
                              uint64_t start, const int32_t *pairs, const int32_t *taps,
                              struct kws_channel_dsp channel, const struct kws_quantization *q,
                              struct kws_lanes_outputs *o)
{
    uint64_t sums[3] = {start, start, start};
    if (l->tap_words == 2 && l->phase_words < 64)
        kws_lanes_multiply_2(blocks, rows, l->phase_words, pairs, taps, sums);
    else
        kws_lanes_multiply(blocks, rows, l->phase_words, l->tap_words, pairs, taps, sums);
    for (int32_t k = 0; k < blocks; ++k) {
        const uint32_t low = (uint32_t)sums[k], high = (uint32_t)(sums[k] >> 32);
        const int32_t first = o->carried + kws_lane_first(low);
        const int32_t second = kws_lane_second(low, high);
        if (2 * k <= left)
            *o->before = kws_requantize_dsp(2 * first + channel.bias, channel, q);
        if (2 * k < left)
            *o->next = kws_requantize_dsp(2 * second + channel.bias, channel, q);
        o->before = o->next + o->step;
        o->next += 2 * o->step;
        o->carried = (int32_t)(high >> (2 * KWS_LANE_BITS - 32));
    }
}

/* A row of outputs of one channel, which lie `step` apart, from the rows of the image under it.
   There is no output before the first: its place is that of the first, which is written later. */
KWS_INLINE void kws_lanes_row(const struct kws_lanes *l, int32_t rows, int32_t out_width,
                              uint64_t start, const int32_t *pairs, const int32_t *taps,
                              struct kws_channel_dsp channel, const struct kws_quantization *q,
                              int8_t *output, int32_t step)
{
    struct kws_lanes_outputs o = {output, output, step, 0};
    const int32_t last = (l->blocks - 2) / 3 * 3; /* block from which there are but two or three */
    const int32_t *const end = pairs + last;
    for (; pairs != end; pairs += 3)
        kws_lanes_run(l, 3, 6, rows, start, pairs, taps, channel, q, &o);
    kws_lanes_run(l, l->blocks - last, out_width - 2 * last, rows, start, pairs, taps, channel, q,
                  &o);
}

/* The rows of the image from `first` on, of which those from number `from` on are new. */
KWS_INLINE void kws_lanes_fill(const struct kws_window *w, const struct kws_quantization *q,
                               const struct kws_lanes *l, const int8_t *input, int32_t first,
                               int32_t from, int8_t *line, int32_t *rows)
{
    const int32_t row_words = l->phases * l->phase_words;
    const int32_t seen = 2 * row_words - w->pad_left;
    const int32_t columns = seen < w->in_width ? seen : w->in_width;
    for (int32_t i = from; i < w->kernel_height; ++i) {
        const int32_t row = first + i;
        int32_t *words = rows + i * row_words;
        if (row < 0 || row >= w->in_height) {
            memset(words, 0, (size_t)row_words * sizeof *words);
            continue;
        }
        kws_lanes_copy(input + row * w->in_width, columns, line + w->pad_left);
        kws_lanes_pack(l, q->input_offset, line, words);
    }
}

/* Convolution of a single channel without dilation. Weights are pairs of taps
   [channel][row][phase][tap_words], of 4 or 2 bits as fields of them; scratch has room for a copy of them, then for rows of
   phases * phase_words words, which move up when the last has been reached, and for a line of half
   as many words, of which the first column behind the padding stands at a whole one. A channel's
   sums start with its starts, of which the middle lane is taken off its bias; that is doubled.
   Where not all channels are computed, places has their numbers, else it is 0. Equal to
   kws_conv2d. */
KWS_INLINE void kws_conv2d_lanes(const struct kws_window *w, const struct kws_quantization *q,
                                 const struct kws_lanes *l, const int8_t *input, int32_t bits,
                                 const int32_t *weights, const struct kws_channel_dsp *channels,
                                 const uint64_t *starts, const uint16_t *places,
                                 int32_t *restrict scratch, int8_t *restrict output)
{
    const int32_t row_words = l->phases * l->phase_words;
    const int32_t channel_words = w->kernel_height * l->phases * l->tap_words;
    const int32_t kept =
        w->kernel_height > w->stride_height ? w->kernel_height - w->stride_height : 0;
    const int32_t words = kws_unpacked(l->channels * channel_words, bits);
    const int32_t *const first_taps = kws_lanes_taps(weights, bits, words, scratch);
    int32_t *const rows = scratch + words;
    int32_t *under = rows; /* those under the row of outputs */
    int8_t *line = (int8_t *)(rows + l->rows * row_words) + (-w->pad_left & 3);
    KWS_FORGET(under);
    KWS_FORGET(line);
    memset(line, -q->input_offset, (size_t)(2 * row_words));
    for (int32_t y = 0; y < w->out_height; ++y) {
        if (y > 0 && kept > 0) {
            under += w->stride_height * row_words;
            if (under > rows + (l->rows - w->kernel_height) * row_words) {
                memmove(rows, under, (size_t)(kept * row_words) * sizeof *rows);
                under = rows;
            }
        }
        kws_lanes_fill(w, q, l, input, y * w->stride_height - w->pad_top, y > 0 ? kept : 0, line,
                       under);
        const int32_t *taps = first_taps;
        for (int32_t c = 0; c < l->channels; ++c, taps += channel_words)
            kws_lanes_row(l, w->kernel_height * l->phases, w->out_width, starts[c], under, taps,
                          channels[c], q, output + (places ? places[c] : c), w->out_channels);
        output += w->out_width * w->out_channels;
    }
}

#endif
