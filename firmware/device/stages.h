#ifndef KWS_STAGES_H
#define KWS_STAGES_H

#include "pipeline.h"

/* The stages of the pipeline one by one, so that each can be timed: the board's own counter times
   them in answer to KWS_PROFILE, and the emulated board counts their instructions. They work on
   the pipeline and the sound that they were prepared with. */

void kws_stages_prepare(struct kws_pipeline *pipeline, const uint8_t samples[2 * KWS_HOP]);

void kws_stage_nothing(void);
void kws_stage_features(void); /* one frame */
void kws_stage_image(void);    /* the last frames as the network's input */
void kws_stage_postprocess(void);

/* Runs a stage. Returns what kws_port_counter counted meanwhile. */
uint32_t kws_stage_time(void (*stage)(void));

#endif
