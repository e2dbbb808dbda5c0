#ifndef KWS_PLANES_H
#define KWS_PLANES_H

#include "dsp.h"
#include "window.h"

/* The rows of an image under a kernel, 16-bit, zero point taken off, zeros where the image is
   padded. A row is taken apart into planes: its columns by their remainder modulo the stride
   (phases), and its channels; so what a tap meets in neighbouring outputs stands side by side.
   Planes are [row][phase][channel][values]. */
struct kws_planes {
    int32_t values; /* of a plane, even */
    int32_t rows;   /* for which there is room */
};

/* Values of a row. */
KWS_INLINE int32_t kws_planes_row(const struct kws_window *w, const struct kws_planes *p)
{
    return w->stride_width * w->in_channels * p->values;
}

/* The rows of the image from `first` on, of which those from number `from` on are new. What is
   beside the image has been zero from the start. */
KWS_INLINE void kws_planes_fill(const struct kws_window *w, const struct kws_quantization *q,
                                const struct kws_planes *p, const int8_t *input, int32_t first,
                                int32_t from, int16_t *values)
{
    const int32_t row_values = kws_planes_row(w, p);
    for (int32_t i = from; i < w->kernel_height; ++i) {
        const int32_t row = first + i;
        int16_t *plane = values + i * row_values;
        if (row < 0 || row >= w->in_height) {
            memset(plane, 0, (size_t)row_values * sizeof *plane);
            continue;
        }
        const int8_t *const pixels = input + row * w->in_width * w->in_channels;
        for (int32_t phase = 0; phase < w->stride_width; ++phase)
            for (int32_t c = 0; c < w->in_channels; ++c, plane += p->values) {
                int32_t at = 0, column = phase - w->pad_left;
                for (; column < 0; column += w->stride_width)
                    ++at;
                for (; column < w->in_width && at < p->values; column += w->stride_width)
                    plane[at++] = (int16_t)(pixels[column * w->in_channels + c] + q->input_offset);
            }
    }
}

/* Fills the rows under the row y of outputs and tells where they are; `under` are those of the row
   of outputs before. They move up when the last that there is room for has been reached. */
KWS_INLINE int16_t *kws_planes_next(const struct kws_window *w, const struct kws_quantization *q,
                                    const struct kws_planes *p, const int8_t *input, int32_t y,
                                    int16_t *values, int16_t *under)
{
    const int32_t row_values = kws_planes_row(w, p);
    const int32_t kept =
        w->kernel_height > w->stride_height ? w->kernel_height - w->stride_height : 0;
    if (y == 0) {
        memset(values, 0, (size_t)(p->rows * row_values) * sizeof *values);
    } else if (kept > 0) {
        under += w->stride_height * row_values;
        if (under > values + (p->rows - w->kernel_height) * row_values) {
            memmove(values, under, (size_t)(kept * row_values) * sizeof *values);
            under = values;
        }
    }
    kws_planes_fill(w, q, p, input, y * w->stride_height - w->pad_top, y > 0 ? kept : 0, under);
    return under;
}

/* kws_requantize_dsp, in an instruction less where the compiler knows the shift. */
KWS_INLINE int8_t kws_planes_output(int32_t twice, struct kws_channel_dsp channel,
                                    const struct kws_quantization *q)
{
    if (__builtin_constant_p(channel.shift) && channel.shift > 0 && q->low == INT8_MIN &&
        q->high == INT8_MAX)
        return (int8_t)kws_saturate_shifted(kws_scale_dsp(twice, channel, q), channel.shift);
    return kws_requantize_dsp(twice, channel, q);
}

/* Four neighbouring outputs of a channel, which lie `step` apart, from twice their sums; `left` of
   them exist. */
KWS_INLINE void kws_planes_outputs(const int32_t twice[4], struct kws_channel_dsp channel,
                                   const struct kws_quantization *q, int32_t left, int32_t step,
                                   int8_t *output)
{
    for (int32_t i = 0; i < 4; ++i)
        if (i < left)
            output[i * step] = kws_planes_output(twice[i], channel, q);
}

#endif
