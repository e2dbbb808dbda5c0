#ifndef KWS_MEAN_H
#define KWS_MEAN_H

#include "requantize.h"
#include "window.h"

/* Mean over the middle axis of [outer][reduced][inner]. The division is part of the multiplier.
   Equal to TensorFlow Lite Micro's reference (QuantizedMeanOrSum). */
KWS_INLINE void kws_mean(int32_t outer, int32_t reduced, int32_t inner,
                         const struct kws_quantization *q, const struct kws_channel *scale,
                         const int8_t *input, int8_t *restrict output)
{
    for (int32_t o = 0; o < outer; ++o)
        for (int32_t i = 0; i < inner; ++i) {
            int32_t sum = reduced * q->input_offset;
            for (int32_t r = 0; r < reduced; ++r)
                sum += input[(o * reduced + r) * inner + i];
            const int32_t value =
                kws_requantize(sum, scale->multiplier, scale->left, scale->right);
            *output++ = (int8_t)kws_clamp(value + q->output_zero_point, q->low, q->high);
        }
}

#endif
