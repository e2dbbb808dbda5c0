#include "frontend.h"

/* A pixel minus 128 as int8 is the pixel with its highest bit flipped. */
void kws_frontend_input(const struct kws_frontend *frontend, int8_t input[KWS_IMAGE_SIZE])
{
    uint8_t *const bytes = (uint8_t *)input;
    kws_frontend_image(frontend, bytes);
    size_t i = 0;
    for (; i + 4 <= KWS_IMAGE_SIZE; i += 4) {
        uint32_t four;
        __builtin_memcpy(&four, bytes + i, sizeof four);
        four ^= 0x80808080u;
        __builtin_memcpy(bytes + i, &four, sizeof four);
    }
    for (; i < KWS_IMAGE_SIZE; ++i)
        bytes[i] ^= 0x80u;
}
