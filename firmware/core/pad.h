#ifndef KWS_PAD_H
#define KWS_PAD_H

#include <stdint.h>
#include <string.h>

#include "requantize.h"

/* Shape of a padding of three axes; further ones have been joined. */
struct kws_pad {
    int32_t in[3], before[3], out[3];
    int32_t zero_point;
};

/* Zero points around a tensor of up to three axes. */
KWS_INLINE void kws_pad(const struct kws_pad *p, const int8_t *input, int8_t *restrict output)
{
    memset(output, p->zero_point, (size_t)(p->out[0] * p->out[1] * p->out[2]));
    for (int32_t i = 0; i < p->in[0]; ++i)
        for (int32_t j = 0; j < p->in[1]; ++j) {
            const int32_t row = (i + p->before[0]) * p->out[1] + j + p->before[1];
            memcpy(output + row * p->out[2] + p->before[2], input, (size_t)p->in[2]);
            input += p->in[2];
        }
}

#endif
