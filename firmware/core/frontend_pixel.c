#include "frontend.h"
#include "single_precision.h"

/* Bits of the square root of a half. */
#define ROOT_HALF 0x3F3504F3u

/* The power is 2^exponent * (1 + f) with 1 + f from the root of a half to the root of two, where a
   polynomial stands for gain * ln(1 + f). No power has the bits of 2^-127: far below 0. */
uint8_t kws_frontend_pixel(float power)
{
    uint32_t bits;
    __builtin_memcpy(&bits, &power, sizeof bits);
    bits -= ROOT_HALF;
    const int32_t exponent = (int32_t)bits >> 23;
    bits = (bits & 0x7FFFFFu) + ROOT_HALF;
    float f;
    __builtin_memcpy(&f, &bits, sizeof f);
    f -= 1.0f;
    float level = kws_level_polynomial[KWS_LEVEL_DEGREE];
    for (int32_t i = KWS_LEVEL_DEGREE - 1; i >= 0; --i)
        level = kws_product(level, f) + kws_level_polynomial[i];
    level += kws_product((float)exponent, KWS_LEVEL_OF_DOUBLE);
    return level < 0.0f ? 0 : level >= 254.5f ? 255 : (uint8_t)(level + 0.5f);
}
