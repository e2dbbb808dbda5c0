#ifndef KWS_WINDOW_H
#define KWS_WINDOW_H

#include <stdint.h>

/* The geometry of a kernel that slides over an image, channels last. */
struct kws_window {
    int32_t in_height, in_width, in_channels;
    int32_t out_height, out_width, out_channels;
    int32_t kernel_height, kernel_width;
    int32_t stride_height, stride_width;
    int32_t pad_top, pad_left;
    int32_t dilation_height, dilation_width;
};

/* The integers of a layer: what is added to an input, and how its output is offset and cut. */
struct kws_quantization {
    int32_t input_offset; /* minus the input's zero point */
    int32_t output_zero_point;
    int32_t low, high;
};

#endif
