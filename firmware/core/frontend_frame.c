#include "frontend.h"

void kws_frontend_frame(const int16_t samples[KWS_WINDOW], float spectrum[KWS_FFT],
                        uint8_t row[KWS_BANDS])
{
    float power[KWS_BANDS];
    kws_frontend_window(samples, spectrum);
    kws_fft(spectrum);
    kws_frontend_mel(spectrum, power);
    for (size_t band = 0; band < KWS_BANDS; ++band)
        row[band] = kws_frontend_pixel(power[band]);
}
