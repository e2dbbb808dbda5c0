#include <string.h>

#include "port.h"
#include "stages.h"

static struct {
    struct kws_pipeline *pipeline;
    int16_t samples[KWS_HOP];
} stages;

void kws_stages_prepare(struct kws_pipeline *pipeline, const uint8_t samples[2 * KWS_HOP])
{
    stages.pipeline = pipeline;
    memcpy(stages.samples, samples, sizeof stages.samples);
    /* However much was heard before, from now on each hop completes a frame. */
    while (pipeline->frontend.held != KWS_WINDOW - KWS_HOP)
        kws_frontend_push(&pipeline->frontend, stages.samples, 1);
}

void kws_stage_nothing(void)
{
    __asm__ volatile("");
}

void kws_stage_features(void)
{
    kws_frontend_push(&stages.pipeline->frontend, stages.samples, KWS_HOP);
}

void kws_stage_image(void)
{
    kws_frontend_input(&stages.pipeline->frontend, kws_network_input());
}

void kws_stage_postprocess(void)
{
    kws_smoothing_push(&stages.pipeline->smoothing, kws_network_output(), 0);
}

__attribute__((noinline)) uint32_t kws_stage_time(void (*stage)(void))
{
    const uint32_t before = kws_port_counter();
    stage();
    return kws_port_counter() - before;
}
