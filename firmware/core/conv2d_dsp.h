#ifndef KWS_CONV2D_DSP_H
#define KWS_CONV2D_DSP_H

#include "narrow.h"
#include "rows.h"

/* Two outputs side by side times two channels: sums[2 * channel + output]. A row of the kernel is
   `words` pairs of values; weights are [row][channel][words] pairs. */
KWS_INLINE void kws_conv2d_block(const int16_t *first, const int16_t *second, int32_t stride,
                                 const uint32_t *weights, int32_t height, int32_t words,
                                 int32_t sums[4])
{
    for (int32_t i = 0; i < height; ++i) {
        for (int32_t k = 0; k < words; ++k) {
            const uint32_t a = kws_load_word(first + 2 * k), b = kws_load_word(second + 2 * k);
            sums[0] = kws_smlad(a, weights[k], sums[0]);
            sums[1] = kws_smlad(b, weights[k], sums[1]);
            sums[2] = kws_smlad(a, weights[words + k], sums[2]);
            sums[3] = kws_smlad(b, weights[words + k], sums[3]);
        }
        first += stride, second += stride;
        weights += 2 * words;
    }
}

/* Convolution without dilation, two multiplications an instruction. Weights are pairs
   [channel pair][row][2 channels][words], zero where a row or the last channel pair is filled up;
   channels come in twos as well. rows holds kernel_height * stride values, then the pairs of a
   channel pair, unpacked for each row of outputs, where they have fewer than 8 bits. Equal to
   kws_conv2d. */
KWS_INLINE void kws_conv2d_dsp(const struct kws_window *w, const struct kws_quantization *q,
                               const int8_t *input, int32_t bits, const uint32_t *weights,
                               const struct kws_channel_dsp *channels, int16_t *restrict rows,
                               int32_t stride, int8_t *restrict output)
{
    const int32_t words = (w->kernel_width * w->in_channels + 1) / 2;
    const int32_t step = w->stride_width * w->in_channels;
    const int32_t pairs = 2 * w->kernel_height * words;
    uint32_t *const unpacked = (uint32_t *)(void *)(rows + w->kernel_height * stride);
    struct kws_rows window = kws_rows_begin(rows, stride, w, q, input);
    for (int32_t y = 0; y < w->out_height; ++y) {
        const uint32_t *packed = weights;
        for (int32_t c = 0; c < w->out_channels; c += 2, packed += kws_packed_words(pairs, bits)) {
            const uint32_t *const filter = kws_pairs(packed, bits, pairs, unpacked);
            const struct kws_channel_dsp pair[2] = {channels[c], channels[c + 1]};
            for (int32_t x = 0; x < w->out_width; x += 2) {
                const int16_t *first = rows + x * step;
                const int16_t *second = x + 1 < w->out_width ? first + step : first;
                int32_t sums[4] = {pair[0].bias, pair[0].bias, pair[1].bias, pair[1].bias};
                kws_conv2d_block(first, second, stride, filter, w->kernel_height, words, sums);
                int8_t *to = output + x * w->out_channels + c;
                for (int32_t i = 0; i < 4; ++i)
                    if (x + (i & 1) < w->out_width && c + (i >> 1) < w->out_channels)
                        to[(i & 1) * w->out_channels + (i >> 1)] =
                            kws_requantize_dsp(2 * sums[i], pair[i >> 1], q);
            }
        }
        output += w->out_width * w->out_channels;
        if (y + 1 < w->out_height)
            kws_rows_next(&window, w, q, input);
    }
}

#endif
