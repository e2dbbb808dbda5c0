#ifndef KWS_ADD_H
#define KWS_ADD_H

#include "requantize.h"

/* The integers of an addition: offsets are minus the inputs' zero points, shifts are to the
   right. */
struct kws_add {
    int32_t left_shift;
    int32_t offset[2], multiplier[2], shift[2];
    int32_t output_multiplier, output_shift, output_zero_point;
    int32_t low, high;
};

/* Elementwise sum. Equal to TensorFlow Lite Micro's reference (AddElementwise). */
KWS_INLINE void kws_add(int32_t size, const struct kws_add *a, const int8_t *first,
                        const int8_t *second, int8_t *restrict output)
{
    for (int32_t i = 0; i < size; ++i) {
        const int32_t x = (first[i] + a->offset[0]) * (1 << a->left_shift);
        const int32_t y = (second[i] + a->offset[1]) * (1 << a->left_shift);
        const int32_t sum = kws_requantize(x, a->multiplier[0], 0, a->shift[0]) +
                            kws_requantize(y, a->multiplier[1], 0, a->shift[1]);
        const int32_t value = kws_requantize(sum, a->output_multiplier, 0, a->output_shift);
        output[i] = (int8_t)kws_clamp(value + a->output_zero_point, a->low, a->high);
    }
}

#endif
