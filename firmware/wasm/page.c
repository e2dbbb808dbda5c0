#include "page.h"

#include <string.h>

#include "stages.h"

static const char *const labels[] = KWS_NETWORK_LABELS;
_Static_assert(sizeof labels / sizeof *labels == KWS_NETWORK_OUTPUT_SIZE, "labels are missing");

static struct {
    struct kws_pipeline pipeline;
    struct kws_settings settings;
    int16_t samples[KWS_HOP];
    uint8_t image[KWS_IMAGE_SIZE];
    uint32_t detected_ms;
    struct kws_pipeline timed; /* of its own, so that timing leaves no trace in the stream */
} page;

const char *kws_page_sha256(void)
{
    return KWS_NETWORK_SHA256;
}

const char *kws_page_label(int32_t label)
{
    return labels[label];
}

int32_t kws_page_labels(void)
{
    return KWS_NETWORK_OUTPUT_SIZE;
}

int32_t kws_page_hop(void)
{
    return KWS_HOP;
}

int32_t kws_page_frames(void)
{
    return KWS_FRAMES;
}

int32_t kws_page_bands(void)
{
    return KWS_BANDS;
}

int16_t *kws_page_samples(void)
{
    return page.samples;
}

uint8_t *kws_page_thresholds(void)
{
    return page.settings.thresholds;
}

bool kws_page_begin(uint32_t hops, uint32_t inferences, uint32_t refractory_ms)
{
    if (hops > UINT8_MAX || inferences > UINT8_MAX || refractory_ms > UINT16_MAX)
        return false;
    page.settings.hops = (uint8_t)hops;
    page.settings.inferences = (uint8_t)inferences;
    page.settings.refractory_ms = (uint16_t)refractory_ms;
    return kws_pipeline_reset(&page.pipeline, &page.settings);
}

int32_t kws_page_hear(uint32_t n)
{
    const struct kws_detection detection =
        kws_pipeline_hear(&page.pipeline, page.samples, n < KWS_HOP ? n : KWS_HOP);
    if (detection.label != KWS_NO_DETECTION)
        page.detected_ms = detection.time_ms;
    return detection.label;
}

uint32_t kws_page_heard(void)
{
    return page.pipeline.frames;
}

uint32_t kws_page_inferences(void)
{
    return page.pipeline.inferences;
}

uint32_t kws_page_detected_ms(void)
{
    return page.detected_ms;
}

const uint8_t *kws_page_row(void)
{
    const struct kws_frontend *const frontend = &page.pipeline.frontend;
    return frontend->rows[(frontend->oldest + KWS_FRAMES - 1) % KWS_FRAMES];
}

const uint8_t *kws_page_image(void)
{
    kws_frontend_image(&page.pipeline.frontend, page.image);
    return page.image;
}

const int8_t *kws_page_classify(void)
{
    kws_frontend_input(&page.pipeline.frontend, kws_network_input());
    kws_network_run();
    return kws_network_output();
}

const int8_t *kws_page_scores(void)
{
    return kws_network_output();
}

int32_t kws_page_sum(int32_t label)
{
    return kws_smoothing_sum(&page.pipeline.smoothing, label);
}

void kws_page_repeat(uint32_t stage, uint32_t times)
{
    static void (*const stages[])(void) = {kws_stage_features, kws_stage_image, kws_network_run,
                                           kws_stage_postprocess};
    uint8_t samples[sizeof page.samples];
    if (stage >= sizeof stages / sizeof *stages ||
        !kws_pipeline_reset(&page.timed, &page.settings))
        return;
    memcpy(samples, page.samples, sizeof samples);
    kws_stages_prepare(&page.timed, samples);
    while (times--)
        stages[stage]();
}
