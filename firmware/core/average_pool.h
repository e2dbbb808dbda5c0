#ifndef KWS_AVERAGE_POOL_H
#define KWS_AVERAGE_POOL_H

#include "requantize.h"
#include "window.h"

/* Average over the part of the window that lies inside the input, halves away from zero. Equal
   to TensorFlow Lite Micro's reference (AveragePool). */
KWS_INLINE void kws_average_pool(const struct kws_window *w, const struct kws_quantization *q,
                                 const int8_t *input, int8_t *restrict output)
{
    for (int32_t y = 0; y < w->out_height; ++y)
        for (int32_t x = 0; x < w->out_width; ++x) {
            const int32_t top = y * w->stride_height - w->pad_top;
            const int32_t left = x * w->stride_width - w->pad_left;
            const int32_t first_row = top < 0 ? 0 : top;
            const int32_t first_column = left < 0 ? 0 : left;
            const int32_t end_row =
                top + w->kernel_height < w->in_height ? top + w->kernel_height : w->in_height;
            const int32_t end_column =
                left + w->kernel_width < w->in_width ? left + w->kernel_width : w->in_width;
            const int32_t count = (end_row - first_row) * (end_column - first_column);
            for (int32_t c = 0; c < w->in_channels; ++c) {
                int32_t sum = 0;
                for (int32_t row = first_row; row < end_row; ++row)
                    for (int32_t column = first_column; column < end_column; ++column)
                        sum += input[(row * w->in_width + column) * w->in_channels + c];
                const int32_t half = sum > 0 ? count / 2 : -(count / 2);
                *output++ = (int8_t)kws_clamp((sum + half) / count, q->low, q->high);
            }
        }
}

#endif
