#ifndef KWS_ROWS_H
#define KWS_ROWS_H

#include "dsp.h"
#include "window.h"

/* The rows of an image under a kernel, 16-bit, zero point taken off, zeros where the image is
   padded: kernel_height rows of stride values. They move down the image with the output's rows,
   so that each pixel is widened once. */
struct kws_rows {
    int16_t *values;
    int32_t stride;
    int32_t first; /* row of the image that stands in the first; negative is padding */
};

/* size values to int16 with offset added to each. */
KWS_INLINE void kws_widen(const int8_t *from, int32_t size, int32_t offset, int16_t *to)
{
    const uint32_t offsets = kws_pair(offset, offset);
    int32_t i = 0;
    for (; i + 4 <= size; i += 4) {
        const uint32_t word = kws_load_word(from + i);
        const uint32_t even = kws_sxtab16(offsets, word);
        const uint32_t odd = kws_sxtab16_odd(offsets, word);
        kws_store_word(to + i, kws_pack_low(even, odd));
        kws_store_word(to + i + 2, kws_pack_high(even, odd));
    }
    for (; i < size; ++i)
        to[i] = (int16_t)(from[i] + offset);
}

/* Fills the rows from number `from` on. */
KWS_INLINE void kws_rows_fill(const struct kws_rows *rows, const struct kws_window *w,
                              const struct kws_quantization *q, const int8_t *image, int32_t from)
{
    const int32_t width = (w->out_width - 1) * w->stride_width + w->kernel_width - w->pad_left;
    const int32_t columns = width < w->in_width ? width : w->in_width;
    for (int32_t i = from; i < w->kernel_height; ++i) {
        const int32_t row = rows->first + i;
        int16_t *to = rows->values + i * rows->stride + w->pad_left * w->in_channels;
        if (row < 0 || row >= w->in_height)
            memset(to, 0, (size_t)(columns * w->in_channels) * sizeof *to);
        else
            kws_widen(image + row * w->in_width * w->in_channels, columns * w->in_channels,
                      q->input_offset, to);
    }
}

/* The rows under the first row of outputs. stride is the values a row takes, even. */
KWS_INLINE struct kws_rows kws_rows_begin(int16_t *values, int32_t stride,
                                          const struct kws_window *w,
                                          const struct kws_quantization *q, const int8_t *image)
{
    const struct kws_rows rows = {values, stride, -w->pad_top};
    memset(values, 0, (size_t)(w->kernel_height * stride) * sizeof *values);
    kws_rows_fill(&rows, w, q, image, 0);
    return rows;
}

/* Moves the rows on to the next row of outputs. */
KWS_INLINE void kws_rows_next(struct kws_rows *rows, const struct kws_window *w,
                              const struct kws_quantization *q, const int8_t *image)
{
    const int32_t kept =
        w->kernel_height > w->stride_height ? w->kernel_height - w->stride_height : 0;
    if (kept > 0)
        memmove(rows->values, rows->values + w->stride_height * rows->stride,
                (size_t)(kept * rows->stride) * sizeof *rows->values);
    rows->first += w->stride_height;
    kws_rows_fill(rows, w, q, image, kept);
}

#endif
