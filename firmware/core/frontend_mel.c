#include "frontend.h"
#include "single_precision.h"

/* Four times the power in a bin of the real signal, from the transform Z of its pairs of samples:
   with Y = conj(Z[n - bin]) and w = exp(-2 pi i bin / KWS_FFT), 2 X[bin] is
   (Z + Y) - i w (Z - Y). Source: W. H. Press et al., Numerical Recipes, 12.3. turn is the real and
   minus the imaginary part of w. */
static inline __attribute__((always_inline)) float bin_power(const float *z, const float *mirrored,
                                                             const float *turn)
{
    const float sum_re = z[0] + mirrored[0], sum_im = z[1] - mirrored[1];
    const float difference_re = z[0] - mirrored[0], difference_im = z[1] + mirrored[1];
    const float re =
        sum_re + (kws_product(difference_im, turn[0]) - kws_product(difference_re, turn[1]));
    const float im =
        sum_im - (kws_product(difference_re, turn[0]) + kws_product(difference_im, turn[1]));
    return kws_product(re, re) + kws_product(im, im);
}

/* A bin lies under two triangles at most: the rising side of one and the falling side of the one
   before. The bins of each rising side follow one another. */
void kws_frontend_mel(const float spectrum[KWS_FFT], float power[KWS_BANDS])
{
    const float *z = spectrum + 2 * KWS_FIRST_BIN;
    const float *mirrored = spectrum + KWS_FFT - 2 * KWS_FIRST_BIN;
    const struct kws_mel_bin *bin = kws_mel_bins;
    float risen = 0.0f;
    for (size_t band = 0; band < KWS_BANDS; ++band) {
        float rising = 0.0f, falling = 0.0f;
        for (const struct kws_mel_bin *end = bin + kws_mel_counts[band]; bin < end; ++bin) {
            const float p = bin_power(z, mirrored, bin->turn);
            rising += kws_product(p, bin->rising);
            falling += kws_product(p, bin->falling);
            z += 2;
            mirrored -= 2;
        }
        if (band > 0)
            power[band - 1] = risen + falling;
        risen = rising;
    }
    power[KWS_BANDS - 1] = risen;
}
