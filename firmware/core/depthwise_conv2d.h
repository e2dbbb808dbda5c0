#ifndef KWS_DEPTHWISE_CONV2D_H
#define KWS_DEPTHWISE_CONV2D_H

#include "narrow.h"
#include "requantize.h"
#include "window.h"

/* Depthwise convolution, weights [height][width][out] of 8, 4 or 2 bits; output channel c sees
   input channel c / (out / in). Equal to TensorFlow Lite Micro's reference (DepthwiseConvPerChannel). */
KWS_INLINE void kws_depthwise_conv2d(const struct kws_window *w, const struct kws_quantization *q,
                                     const int8_t *input, int32_t bits, const int8_t *weights,
                                     const struct kws_channel *channels, int8_t *restrict output)
{
    const int32_t depth_multiplier = w->out_channels / w->in_channels;
    for (int32_t y = 0; y < w->out_height; ++y)
        for (int32_t x = 0; x < w->out_width; ++x)
            for (int32_t c = 0; c < w->out_channels; ++c) {
                int32_t sum = channels[c].bias;
                for (int32_t i = 0; i < w->kernel_height; ++i) {
                    const int32_t row = y * w->stride_height - w->pad_top + i * w->dilation_height;
                    if (row < 0 || row >= w->in_height)
                        continue;
                    for (int32_t j = 0; j < w->kernel_width; ++j) {
                        const int32_t column =
                            x * w->stride_width - w->pad_left + j * w->dilation_width;
                        if (column < 0 || column >= w->in_width)
                            continue;
                        const int32_t pixel = (row * w->in_width + column) * w->in_channels;
                        const int32_t tap = (i * w->kernel_width + j) * w->out_channels;
                        sum += kws_weight(weights, bits, tap + c) *
                               (input[pixel + c / depth_multiplier] + q->input_offset);
                    }
                }
                const int32_t value = kws_requantize(sum, channels[c].multiplier, channels[c].left,
                                                     channels[c].right);
                *output++ = (int8_t)kws_clamp(value + q->output_zero_point, q->low, q->high);
            }
}

#endif
