#ifndef KWS_FULLY_CONNECTED_DSP_H
#define KWS_FULLY_CONNECTED_DSP_H

#include "dsp.h"
#include "window.h"

/* One row times [depth] to [outputs], four inputs of four outputs at a time. Weights are words of
   four int8, [outputs / 4][depth / 4][4 outputs], zero where depth or outputs are filled up;
   channels come in fours as well. The input is readable up to the next multiple of four. Equal
   to kws_fully_connected. */
KWS_INLINE void kws_fully_connected_dsp(int32_t depth, int32_t outputs,
                                        const struct kws_quantization *q, const int8_t *input,
                                        const uint32_t *weights,
                                        const struct kws_channel_dsp *channels,
                                        int8_t *restrict output)
{
    const uint32_t offsets = kws_pair(q->input_offset, q->input_offset);
    for (int32_t c = 0; c < outputs; c += 4) {
        int32_t sums[4];
        for (int32_t i = 0; i < 4; ++i)
            sums[i] = channels[c + i].bias;
        for (int32_t d = 0; d < depth; d += 4, weights += 4) {
            const uint32_t word = kws_load_word(input + d);
            const uint32_t even = kws_sxtab16(offsets, word);
            const uint32_t odd = kws_sxtab16_odd(offsets, word);
            for (int32_t i = 0; i < 4; ++i) {
                sums[i] = kws_smlad(even, kws_sxtb16(weights[i]), sums[i]);
                sums[i] = kws_smlad(odd, kws_sxtb16_odd(weights[i]), sums[i]);
            }
        }
        for (int32_t i = 0; i < 4 && c + i < outputs; ++i)
            output[c + i] = kws_requantize_dsp(sums[i], &channels[c + i], q->output_zero_point,
                                               q->low, q->high);
    }
}

#endif
