#include <string.h>

#include "frontend.h"

/* Computes the frame that the samples held make up, and keeps those that the next one shares. */
static void complete_frame(struct kws_frontend *f)
{
    kws_frontend_frame(f->samples, f->spectrum, f->rows[f->oldest]);
    f->oldest = f->oldest + 1 < KWS_FRAMES ? f->oldest + 1 : 0;
    f->held = KWS_WINDOW - KWS_HOP;
    memmove(f->samples, f->samples + KWS_HOP, f->held * sizeof *f->samples);
}

size_t kws_frontend_push(struct kws_frontend *frontend, const int16_t *samples, size_t n)
{
    size_t frames = 0;
    while (n > 0) {
        const size_t missing = KWS_WINDOW - frontend->held;
        const size_t taken = n < missing ? n : missing;
        memcpy(frontend->samples + frontend->held, samples, taken * sizeof *samples);
        frontend->held += taken;
        samples += taken;
        n -= taken;
        if (frontend->held == KWS_WINDOW) {
            complete_frame(frontend);
            ++frames;
        }
    }
    return frames;
}
