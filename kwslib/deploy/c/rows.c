#include "frontend.h"

void kws_rows(const int16_t *samples, size_t frames, uint8_t *rows);

/* The rows of a stretch of sound: frame i begins at sample KWS_HOP * i. */
void kws_rows(const int16_t *samples, size_t frames, uint8_t *rows)
{
    float spectrum[KWS_FFT];
    for (size_t i = 0; i < frames; ++i)
        kws_frontend_frame(samples + KWS_HOP * i, spectrum, rows + KWS_BANDS * i);
}
