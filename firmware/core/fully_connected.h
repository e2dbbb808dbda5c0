#ifndef KWS_FULLY_CONNECTED_H
#define KWS_FULLY_CONNECTED_H

#include "narrow.h"
#include "requantize.h"
#include "window.h"

/* rows times [depth] to [outputs], weights [outputs][depth] of 8, 4 or 2 bits. Equal to TensorFlow Lite Micro's
   reference (FullyConnected and FullyConnectedPerChannel). */
KWS_INLINE void kws_fully_connected(int32_t rows, int32_t depth, int32_t outputs,
                                    const struct kws_quantization *q, const int8_t *input,
                                    int32_t bits, const int8_t *weights,
                                    const struct kws_channel *channels, int8_t *restrict output)
{
    for (int32_t row = 0; row < rows; ++row)
        for (int32_t c = 0; c < outputs; ++c) {
            int32_t sum = channels[c].bias;
            for (int32_t d = 0; d < depth; ++d)
                sum += kws_weight(weights, bits, c * depth + d) *
                       (input[row * depth + d] + q->input_offset);
            const int32_t value = kws_requantize(sum, channels[c].multiplier, channels[c].left,
                                                 channels[c].right);
            *output++ = (int8_t)kws_clamp(value + q->output_zero_point, q->low, q->high);
        }
}

#endif
