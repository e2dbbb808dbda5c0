#include "pipeline.h"

#define SAMPLES_PER_MS 16

bool kws_pipeline_reset(struct kws_pipeline *pipeline, const struct kws_settings *settings)
{
    if (settings->hops < 1 ||
        !kws_smoothing_reset(&pipeline->smoothing, KWS_NETWORK_OUTPUT_SIZE, settings->inferences,
                             settings->thresholds, settings->refractory_ms))
        return false;
    kws_frontend_reset(&pipeline->frontend);
    pipeline->frames = pipeline->inferences = 0;
    pipeline->until_next = KWS_FRAMES;
    pipeline->hops = settings->hops;
    return true;
}

static struct kws_detection infer(struct kws_pipeline *pipeline)
{
    struct kws_smoothing *const smoothing = &pipeline->smoothing;
    struct kws_detection detection = {
        .time_ms = (pipeline->frames - 1) * (KWS_HOP / SAMPLES_PER_MS) + KWS_WINDOW / SAMPLES_PER_MS};
    kws_frontend_input(&pipeline->frontend, kws_network_input());
    kws_network_run();
    detection.label = kws_smoothing_push(smoothing, kws_network_output(), detection.time_ms);
    if (detection.label != KWS_NO_DETECTION)
        detection.sum = kws_smoothing_sum(smoothing, detection.label);
    ++pipeline->inferences;
    return detection;
}

struct kws_detection kws_pipeline_hear(struct kws_pipeline *pipeline, const int16_t *samples,
                                       size_t n)
{
    if (kws_frontend_push(&pipeline->frontend, samples, n) > 0) {
        ++pipeline->frames;
        if (--pipeline->until_next == 0) {
            pipeline->until_next = pipeline->hops;
            return infer(pipeline);
        }
    }
    return (struct kws_detection){.label = KWS_NO_DETECTION};
}
