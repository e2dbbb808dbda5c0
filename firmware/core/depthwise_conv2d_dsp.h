#ifndef KWS_DEPTHWISE_CONV2D_DSP_H
#define KWS_DEPTHWISE_CONV2D_DSP_H

#include "narrow.h"
#include "rows.h"

/* Depthwise convolution without dilation or depth multiplier, two taps of two channels at a time.
   Weights are pairs of taps [channel pair][tap pair][2 channels], zero where taps or channels are
   filled up; channels come in twos as well. rows holds kernel_height * stride values, then all
   pairs, unpacked once, where they have fewer than 8 bits. Equal to kws_depthwise_conv2d. */
KWS_INLINE void kws_depthwise_conv2d_dsp(const struct kws_window *w,
                                         const struct kws_quantization *q, const int8_t *input,
                                         int32_t bits, const uint32_t *weights,
                                         const struct kws_channel_dsp *channels,
                                         int16_t *restrict rows, int32_t stride,
                                         int8_t *restrict output)
{
    const int32_t taps = w->kernel_height * w->kernel_width;
    const int32_t pairs = (w->in_channels + 1) / 2 * 2 * ((taps + 1) / 2);
    weights = kws_pairs(weights, bits, pairs,
                        (uint32_t *)(void *)(rows + w->kernel_height * stride));
    struct kws_rows window = kws_rows_begin(rows, stride, w, q, input);
    for (int32_t y = 0; y < w->out_height; ++y) {
        for (int32_t x = 0; x < w->out_width; ++x) {
            const uint32_t *filter = weights;
            for (int32_t c = 0; c < w->in_channels; c += 2) {
                const int16_t *tap = rows + x * w->stride_width * w->in_channels + c;
                int32_t first = channels[c].bias, second = channels[c + 1].bias;
                int32_t column = 0;
                for (int32_t t = 0; t < taps; t += 2, filter += 2) {
                    const uint32_t a = kws_load_word(tap);
                    tap += w->in_channels;
                    if (++column == w->kernel_width)
                        column = 0, tap += stride - w->kernel_width * w->in_channels;
                    const uint32_t b = t + 1 < taps ? kws_load_word(tap) : 0;
                    tap += w->in_channels;
                    if (++column == w->kernel_width)
                        column = 0, tap += stride - w->kernel_width * w->in_channels;
                    first = kws_smlad(kws_pack_low(a, b), filter[0], first);
                    second = kws_smlad(kws_pack_high(a, b), filter[1], second);
                }
                *output++ = kws_requantize_dsp(2 * first, channels[c], q);
                if (c + 1 < w->in_channels)
                    *output++ = kws_requantize_dsp(2 * second, channels[c + 1], q);
            }
        }
        if (y + 1 < w->out_height)
            kws_rows_next(&window, w, q, input);
    }
}

#endif
