/* Memory and settings for the front end and the smoothing, called one by one. */
#include "frontend.h"
#include "smoothing.h"

static struct kws_frontend frontend;
static struct kws_smoothing smoothing;
static int16_t samples[KWS_HOP];
static int8_t scores[12];

int16_t *stage_samples(void);
int8_t *stage_scores(void);
void stage_reset(void);
void *stage_frontend(void);
void *stage_smoothing(void);

int16_t *stage_samples(void) { return samples; }

int8_t *stage_scores(void) { return scores; }

void *stage_frontend(void) { return &frontend; }

void *stage_smoothing(void) { return &smoothing; }

void stage_reset(void)
{
    static const uint8_t thresholds[10] = {128, 128, 128, 128, 128, 128, 128, 128, 128, 128};
    kws_frontend_reset(&frontend);
    kws_smoothing_reset(&smoothing, 12, 25, thresholds, 1000);
}
