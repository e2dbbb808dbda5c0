#ifndef KWS_CONV2D_STRAIGHT_H
#define KWS_CONV2D_STRAIGHT_H

#include "planes.h"

/* Straight lines of code, which the compiler of networks writes for a channel's taps: so many
   words of two neighbouring values are loaded into u to z, then each tap, a constant, multiplies
   those that it meets. It adds to twice the sums of four neighbouring outputs, a to d: by two words
   where it begins with the first value of one (even), else by three (odd).

   The lines are instructions where the compiler targets those of the Cortex-M4, and statements of
   C elsewhere. */

#if defined(__ARM_FEATURE_DSP) && __ARM_FEATURE_DSP

#define KWS_WORD(word, at) "ldr %[" #word "], [%[pixels], #" #at "]\n\t"
#define KWS_TAP(twice) "mov %[tap], #" #twice "\n\t"
#define KWS_PRODUCT(half, sum, word)                                                               \
    "smla" #half "b %[" #sum "], %[" #word "], %[tap], %[" #sum "]\n\t"
#define KWS_STRAIGHT(lines)                                                                        \
    __asm__ volatile("" lines                                                                      \
                     : [a] "+r"(a), [b] "+r"(b), [c] "+r"(c), [d] "+r"(d), [tap] "=&r"(tap),       \
                       [u] "=&r"(u), [v] "=&r"(v), [w] "=&r"(w), [x] "=&r"(x), [y] "=&r"(y),       \
                       [z] "=&r"(z)                                                                \
                     : [pixels] "r"(pixels)                                                        \
                     : "memory")

#else

#define KWS_WORD(word, at) word = kws_load_word((const int8_t *)pixels + at);
#define KWS_TAP(twice) tap = (uint32_t)(twice);
#define KWS_PRODUCT(half, sum, word) sum = kws_smla##half##b(word, tap, sum);
#define KWS_STRAIGHT(lines)                                                                        \
    do {                                                                                           \
        tap = u = v = w = x = y = z = 0;                                                           \
        lines                                                                                      \
        (void)(tap + u + v + w + x + y + z);                                                       \
    } while (0)

#endif

#define KWS_EVEN(twice, first, second)                                                             \
    KWS_TAP(twice)                                                                                 \
    KWS_PRODUCT(b, a, first)                                                                       \
    KWS_PRODUCT(t, b, first)                                                                       \
    KWS_PRODUCT(b, c, second)                                                                      \
    KWS_PRODUCT(t, d, second)
#define KWS_ODD(twice, first, second, third)                                                       \
    KWS_TAP(twice)                                                                                 \
    KWS_PRODUCT(t, a, first)                                                                       \
    KWS_PRODUCT(b, b, second)                                                                      \
    KWS_PRODUCT(t, c, second)                                                                      \
    KWS_PRODUCT(b, d, third)

/* A row of outputs of the channel number `place`, from the rows of the image under it and the lines
   of its taps. Taps and bias are doubled. How many outputs are left is kept from the compiler,
   which would write the lines as often as there are fours. */
#define KWS_STRAIGHT_CHANNEL(place, bias_, multiplier_, rounding_, shift_, lines)                  \
    do {                                                                                           \
        const struct kws_channel_dsp channel = {bias_, multiplier_, rounding_, shift_};            \
        const int16_t *pixels = row;                                                               \
        int8_t *to = output + place;                                                               \
        int32_t left = window->out_width;                                                          \
        KWS_FORGET(left);                                                                          \
        for (; left > 0; left -= 4, pixels += 4, to += 4 * window->out_channels) {                 \
            uint32_t tap, u, v, w, x, y, z;                                                        \
            int32_t a = channel.bias, b = a, c = a, d = a;                                         \
            KWS_STRAIGHT(lines);                                                                   \
            const int32_t sums[4] = {a, b, c, d};                                                  \
            kws_planes_outputs(sums, channel, quantization, window->out_width % 4 ? left : 4,      \
                               window->out_channels, to);                                          \
        }                                                                                          \
    } while (0)

/* The same of a channel without taps, whose outputs are all alike. */
#define KWS_CONSTANT_CHANNEL(place, bias_, multiplier_, rounding_, shift_)                         \
    do {                                                                                           \
        const struct kws_channel_dsp channel = {bias_, multiplier_, rounding_, shift_};            \
        const int8_t value = kws_requantize_dsp(channel.bias, channel, quantization);              \
        int8_t *to = output + place;                                                               \
        for (int32_t x = 0; x < window->out_width; ++x, to += window->out_channels)                \
            *to = value;                                                                           \
    } while (0)

/* Convolution without dilation by straight lines of code: for each row of outputs `channels` is
   called with the rows of the image under it. values has room for p->rows rows. Equal to
   kws_conv2d. */
KWS_INLINE void kws_conv2d_straight(
    const struct kws_window *w, const struct kws_quantization *q, const struct kws_planes *p,
    const int8_t *input,
    void (*channels)(const struct kws_window *window, const struct kws_quantization *quantization,
                     const int16_t *row, int8_t *output),
    int16_t *restrict values, int8_t *restrict output)
{
    int16_t *under = values;
    for (int32_t y = 0; y < w->out_height; ++y) {
        under = kws_planes_next(w, q, p, input, y, values, under);
        channels(w, q, under, output);
        output += w->out_width * w->out_channels;
    }
}

#endif
