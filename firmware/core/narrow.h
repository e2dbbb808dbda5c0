#ifndef KWS_NARROW_H
#define KWS_NARROW_H

#include "dsp.h"
#include "requantize.h"

/* Weights of fewer than 8 bits, as they lie in flash: fields of 4 or 2 bits. */

/* Weight number `index` of those of 8, 4 or 2 bits, a constant; narrower ones fill a byte from its
   lowest bits on. */
KWS_INLINE int32_t kws_weight(const int8_t *weights, int32_t bits, int32_t index)
{
    if (bits == 8)
        return weights[index];
    const uint32_t each = 8 / (uint32_t)bits, at = (uint32_t)index % each;
    const uint32_t byte = (uint8_t)weights[(uint32_t)index / each];
    return (int8_t)(byte << (8 - (uint32_t)bits * (at + 1)) & 0xFF) >> (8 - bits);
}

/* How many pairs kws_unpack_pairs writes where `pairs` are asked for: whole words of fields. */
KWS_INLINE int32_t kws_unpacked(int32_t pairs, int32_t bits)
{
    const int32_t each = 16 / bits;
    return bits == 8 ? pairs : (pairs + each - 1) / each * each;
}

/* Pairs of int16 from words of fields: pair k takes field k of either half, from the lowest bits
   on. Fields are weights plus half their range. */
KWS_INLINE void kws_unpack_pairs(const uint32_t *fields, int32_t bits, int32_t pairs, uint32_t *to)
{
    const int32_t half = 1 << (bits - 1);
    const uint32_t mask = kws_pair(2 * half - 1, 2 * half - 1), halves = kws_pair(half, half);
    for (const uint32_t *const end = to + kws_unpacked(pairs, bits); to != end; ++fields)
        for (int32_t at = 0; at < 16; at += bits)
            *to++ = kws_ssub16(*fields >> at & mask, halves);
}

/* Pairs as a kernel reads them: from flash where they stand there as such, at 8 bits, or
   unpacked. */
KWS_INLINE const uint32_t *kws_pairs(const uint32_t *weights, int32_t bits, int32_t pairs,
                                     uint32_t *copy)
{
    if (bits == 8)
        return weights;
    KWS_FORGET(copy);
    kws_unpack_pairs(weights, bits, pairs, copy);
    return copy;
}

/* Words that so many pairs take in flash. */
KWS_INLINE int32_t kws_packed_words(int32_t pairs, int32_t bits)
{
    return bits == 8 ? pairs : kws_unpacked(pairs, bits) / (16 / bits);
}

#endif
