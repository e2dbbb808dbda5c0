#ifndef KWS_MAX_POOL_H
#define KWS_MAX_POOL_H

#include "requantize.h"
#include "window.h"

/* Greatest value of the part of the window that lies inside the input. Equal to TensorFlow Lite
   Micro's reference (MaxPool). */
KWS_INLINE void kws_max_pool(const struct kws_window *w, const struct kws_quantization *q,
                             const int8_t *input, int8_t *restrict output)
{
    for (int32_t y = 0; y < w->out_height; ++y)
        for (int32_t x = 0; x < w->out_width; ++x)
            for (int32_t c = 0; c < w->in_channels; ++c) {
                int32_t greatest = INT8_MIN;
                for (int32_t i = 0; i < w->kernel_height; ++i) {
                    const int32_t row = y * w->stride_height - w->pad_top + i;
                    if (row < 0 || row >= w->in_height)
                        continue;
                    for (int32_t j = 0; j < w->kernel_width; ++j) {
                        const int32_t column = x * w->stride_width - w->pad_left + j;
                        if (column < 0 || column >= w->in_width)
                            continue;
                        const int32_t value =
                            input[(row * w->in_width + column) * w->in_channels + c];
                        greatest = value > greatest ? value : greatest;
                    }
                }
                *output++ = (int8_t)kws_clamp(greatest, q->low, q->high);
            }
}

#endif
