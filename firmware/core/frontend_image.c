#include <string.h>

#include "frontend.h"

void kws_frontend_image(const struct kws_frontend *frontend, uint8_t image[KWS_IMAGE_SIZE])
{
    const size_t newer = frontend->oldest * KWS_BANDS;
    const size_t older = KWS_IMAGE_SIZE - newer;
    memcpy(image, frontend->rows[frontend->oldest], older);
    memcpy(image + older, frontend->rows, newer);
}
