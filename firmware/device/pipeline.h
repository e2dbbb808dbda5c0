#ifndef KWS_PIPELINE_H
#define KWS_PIPELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frontend.h"
#include "network.h"
#include "smoothing.h"

/* From sound to detections: the front end every hop, the network every few hops, and the smoothing
   of its scores. There is one network in a program, so there is one pipeline. */

#define KWS_KEYWORDS (KWS_NETWORK_OUTPUT_SIZE - KWS_SMOOTHING_KEYWORD)

_Static_assert(KWS_NETWORK_INPUT_SIZE == KWS_IMAGE_SIZE, "the network takes no image");
_Static_assert(KWS_KEYWORDS >= 1, "the network has no keyword");

struct kws_settings {
    uint8_t hops;       /* of KWS_HOP samples, from one inference to the next */
    uint8_t inferences; /* that are averaged */
    uint16_t refractory_ms;
    uint8_t thresholds[KWS_KEYWORDS]; /* probabilities in 1/256 */
};

struct kws_pipeline {
    struct kws_frontend frontend;
    struct kws_smoothing smoothing;
    uint32_t frames;     /* heard since the stream began */
    uint32_t inferences; /* made since then */
    uint32_t until_next; /* frames to the next inference */
    uint8_t hops;
};

struct kws_detection {
    int32_t label;    /* or KWS_NO_DETECTION */
    uint32_t time_ms; /* of sound, from the stream's first sample to the last frame's last */
    int32_t sum;      /* of the probabilities of the averaged inferences, in 1/256 */
};

/* Begins a stream. Returns whether the settings are within the limits of smoothing.h. */
bool kws_pipeline_reset(struct kws_pipeline *pipeline, const struct kws_settings *settings);

/* Takes the stream's next samples, at most KWS_HOP. The first inference is made of the first
   KWS_FRAMES frames. */
struct kws_detection kws_pipeline_hear(struct kws_pipeline *pipeline, const int16_t *samples,
                                       size_t n);

#endif
