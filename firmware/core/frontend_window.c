#include "frontend.h"
#include "single_precision.h"

void kws_frontend_window(const int16_t samples[KWS_WINDOW], float spectrum[KWS_FFT])
{
    const uint16_t *place = kws_fft_order;
    const uint16_t *const end = kws_fft_order + KWS_WINDOW / 2;
    const float *window = kws_window;
    for (; place < end; ++place, samples += 2, window += 2) {
        float *const pair = spectrum + *place;
        pair[0] = kws_product((float)samples[0], window[0]);
        pair[1] = kws_product((float)samples[1], window[1]);
    }
    for (; place < kws_fft_order + KWS_FFT / 2; ++place)
        spectrum[*place] = spectrum[*place + 1] = 0.0f;
}
