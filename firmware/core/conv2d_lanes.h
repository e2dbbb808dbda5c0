#ifndef KWS_CONV2D_LANES_H
#define KWS_CONV2D_LANES_H

#include "dsp.h"
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
#define KWS_LANE_MASK ((1 << KWS_LANE_BITS) - 1)

struct kws_lanes {
    int32_t phases;      /* stride of the columns */
    int32_t phase_words; /* pairs of neighbours in a phase of a row */
    int32_t tap_words;   /* pairs of taps in a phase of a row */
    int32_t blocks;      /* 64-bit sums of a row of outputs, a multiple of three */
};

/* A row of the image as pairs of neighbours, phase by phase; line holds its columns, zero point
   taken off, padding included. */
KWS_INLINE void kws_lanes_pack(const struct kws_lanes *l, const int16_t *line, int32_t *words)
{
    for (int32_t phase = 0; phase < l->phases; ++phase)
        for (int32_t i = 0; i < l->phase_words; ++i) {
            const int16_t *pair = line + 2 * i * l->phases + phase;
            *words++ = pair[0] + pair[l->phases] * (1 << KWS_LANE_BITS);
        }
}

/* The three outputs of each of three sums, as lanes. Each gives two outputs, and a part of the one
   before, which is completed from what the last sum carried over. Returns the next one's part. */
KWS_INLINE int32_t kws_lanes_split(uint64_t sum, int32_t carried, int32_t *outputs)
{
    outputs[0] = carried + (int32_t)((uint32_t)sum & KWS_LANE_MASK);
    outputs[1] = (int32_t)((uint32_t)(sum >> KWS_LANE_BITS) & KWS_LANE_MASK);
    return (int32_t)(sum >> (2 * KWS_LANE_BITS));
}

/* Adds to three neighbouring sums what `rows` rows of pairs times their taps give. */
KWS_INLINE void kws_lanes_multiply(int32_t rows, int32_t stride, int32_t tap_words,
                                   const int32_t *pairs, const int32_t *taps, uint64_t sums[3])
{
    uint64_t a = sums[0], b = sums[1], c = sums[2];
    for (int32_t i = 0; i < rows; ++i, pairs += stride, taps += tap_words) {
        int32_t first = pairs[0], second = pairs[1];
        for (int32_t t = 0; t < tap_words; ++t) {
            const int32_t third = pairs[t + 2];
            a = kws_smlal(first, taps[t], a);
            b = kws_smlal(second, taps[t], b);
            c = kws_smlal(third, taps[t], c);
            first = second, second = third;
        }
    }
    sums[0] = a, sums[1] = b, sums[2] = c;
}

#if defined(__ARM_FEATURE_DSP) && __ARM_FEATURE_DSP

/* Nine instructions, six of them multiplications, for 24 multiply-accumulates. Written out as often
   as it is to run: gcc takes the lines of assembly for its size. */
#define KWS_LANES_STEP                                                                             \
    "ldrd %[tap], %[next_tap], [%[taps]], #8\n\t"                                                  \
    "ldrd %[first], %[second], [%[pairs]], #8\n\t"                                                 \
    "smlal %Q[a], %R[a], %[first], %[tap]\n\t"                                                     \
    "ldrd %[first], %[fourth], [%[pairs]], #%c[step]\n\t" /* first is the third now */             \
    "smlal %Q[b], %R[b], %[second], %[tap]\n\t"                                                    \
    "smlal %Q[c], %R[c], %[first], %[tap]\n\t"                                                     \
    "smlal %Q[a], %R[a], %[second], %[next_tap]\n\t"                                               \
    "smlal %Q[b], %R[b], %[first], %[next_tap]\n\t"                                                \
    "smlal %Q[c], %R[c], %[fourth], %[next_tap]\n\t"
#define KWS_LANES_5_STEPS                                                                          \
    KWS_LANES_STEP KWS_LANES_STEP KWS_LANES_STEP KWS_LANES_STEP KWS_LANES_STEP
#define KWS_LANES_RUN(steps)                                                                       \
    __asm__ volatile(steps                                                                         \
                     : [a] "+r"(sums[0]), [b] "+r"(sums[1]), [c] "+r"(sums[2]),                    \
                       [pairs] "+r"(pairs), [taps] "+r"(taps), [first] "=&r"(first),               \
                       [second] "=&r"(second), [fourth] "=&r"(fourth), [tap] "=&r"(tap),           \
                       [next_tap] "=&r"(next_tap)                                                  \
                     : [step] "i"(4 * stride - 8)                                                  \
                     : "memory")

/* kws_lanes_multiply for two words of taps. stride must be a constant. */
KWS_INLINE void kws_lanes_multiply_2(int32_t rows, int32_t stride, const int32_t *pairs,
                                     const int32_t *taps, uint64_t sums[3])
{
    int32_t first, second, fourth, tap, next_tap;
    const int32_t *const end = taps + 2 * rows;
    for (int32_t i = 0; i < rows % 10; ++i)
        KWS_LANES_RUN(KWS_LANES_STEP);
    while (taps != end)
        KWS_LANES_RUN(KWS_LANES_5_STEPS KWS_LANES_5_STEPS);
}

#else

KWS_INLINE void kws_lanes_multiply_2(int32_t rows, int32_t stride, const int32_t *pairs,
                                     const int32_t *taps, uint64_t sums[3])
{
    kws_lanes_multiply(rows, stride, 2, pairs, taps, sums);
}

#endif

/* The sums of one channel of a row of outputs from the rows of the image under it, too high by the
   middle lane of start. sums[0] is no output; output x is sums[x + 1]. */
KWS_INLINE void kws_lanes_sum(const struct kws_lanes *l, int32_t kernel_height, uint64_t start,
                              const int32_t *pairs, const int32_t *taps, int32_t *sums)
{
    const int32_t rows = kernel_height * l->phases;
    int32_t carried = 0;
    for (int32_t block = 0; block < l->blocks; block += 3, sums += 6) {
        uint64_t lanes[3] = {start, start, start};
        if (l->tap_words == 2 && l->phase_words < 256)
            kws_lanes_multiply_2(rows, l->phase_words, pairs + block, taps, lanes);
        else
            kws_lanes_multiply(rows, l->phase_words, l->tap_words, pairs + block, taps, lanes);
        for (int32_t k = 0; k < 3; ++k)
            carried = kws_lanes_split(lanes[k], carried, sums + 2 * k);
    }
}

/* A row of sums of one channel to outputs that lie `step` apart. */
KWS_INLINE void kws_lanes_output(int32_t size, const int32_t *sums, struct kws_channel_dsp channel,
                                 const struct kws_quantization *q, int8_t *restrict output,
                                 int32_t step)
{
    int32_t x = 0;
    for (; x + 4 <= size; x += 4, output += 4 * step) {
        output[0] = kws_requantize_dsp(2 * (sums[x] + channel.bias), channel, q);
        output[step] = kws_requantize_dsp(2 * (sums[x + 1] + channel.bias), channel, q);
        output[2 * step] = kws_requantize_dsp(2 * (sums[x + 2] + channel.bias), channel, q);
        output[3 * step] = kws_requantize_dsp(2 * (sums[x + 3] + channel.bias), channel, q);
    }
    for (; x < size; ++x, output += step)
        *output = kws_requantize_dsp(2 * (sums[x] + channel.bias), channel, q);
}

/* The rows of the image from `first` on, of which those from number `from` on are new. */
KWS_INLINE void kws_lanes_fill(const struct kws_window *w, const struct kws_quantization *q,
                               const struct kws_lanes *l, const int8_t *input, int32_t first,
                               int32_t from, int16_t *line, int32_t *rows)
{
    const int32_t row_words = l->phases * l->phase_words;
    const int32_t seen = 2 * row_words - w->pad_left;
    const int32_t columns = seen < w->in_width ? seen : w->in_width;
    for (int32_t i = from; i < w->kernel_height; ++i) {
        const int32_t row = first + i;
        int32_t *words = rows + i * row_words;
        if (row < 0 || row >= w->in_height) {
            for (int32_t k = 0; k < row_words; ++k)
                words[k] = 0;
            continue;
        }
        for (int32_t k = 0; k < columns; ++k)
            line[w->pad_left + k] = (int16_t)(input[row * w->in_width + k] + q->input_offset);
        kws_lanes_pack(l, line, words);
    }
}

/* Convolution of a single channel without dilation. Weights are pairs of taps
   [channel][row][phase][tap_words]; scratch holds kernel_height rows of phases * phase_words
   words, a line of twice as many int16, and 2 * blocks words. A channel's sums start with its
   starts, of which the middle lane is taken off its bias. Equal to kws_conv2d. */
KWS_INLINE void kws_conv2d_lanes(const struct kws_window *w, const struct kws_quantization *q,
                                 const struct kws_lanes *l, const int8_t *input,
                                 const int32_t *weights, const struct kws_channel_dsp *channels,
                                 const uint64_t *starts, int32_t *restrict scratch, int8_t *restrict output)
{
    const int32_t row_words = l->phases * l->phase_words;
    const int32_t kept =
        w->kernel_height > w->stride_height ? w->kernel_height - w->stride_height : 0;
    int32_t *sums = scratch + w->kernel_height * row_words;
    int16_t *line = (int16_t *)(sums + 2 * l->blocks);
    KWS_FORGET(scratch);
    KWS_FORGET(sums);
    KWS_FORGET(line);
    memset(line, 0, (size_t)(2 * row_words) * sizeof *line);
    for (int32_t y = 0; y < w->out_height; ++y) {
        if (y > 0 && kept > 0)
            memmove(scratch, scratch + w->stride_height * row_words,
                    (size_t)(kept * row_words) * sizeof *scratch);
        kws_lanes_fill(w, q, l, input, y * w->stride_height - w->pad_top, y > 0 ? kept : 0, line,
                       scratch);
        const int32_t *taps = weights;
        for (int32_t c = 0; c < w->out_channels; ++c) {
            kws_lanes_sum(l, w->kernel_height, starts[c], scratch, taps, sums);
            kws_lanes_output(w->out_width, sums + 1, channels[c], q, output + c, w->out_channels);
            taps += w->kernel_height * l->phases * l->tap_words;
        }
        output += w->out_width * w->out_channels;
    }
}

#endif
