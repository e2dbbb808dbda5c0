#include "smoothing.h"

/* Replaces the oldest inference by the newest. */
static void take(struct kws_smoothing *s, const int8_t *scores)
{
    uint8_t *const row = s->ring[s->oldest];
    for (int32_t i = 0; i < s->labels; ++i) {
        const uint8_t probability = (uint8_t)(scores[i] + 128);
        s->sums[i] = (uint16_t)(s->sums[i] + probability - row[i]);
        row[i] = probability;
    }
    s->oldest = s->oldest + 1 < s->inferences ? s->oldest + 1 : 0;
}

int32_t kws_smoothing_push(struct kws_smoothing *smoothing, const int8_t *scores,
                           uint32_t time_ms)
{
    take(smoothing, scores);
    if (smoothing->suppressed && time_ms - smoothing->detected_ms < smoothing->refractory_ms)
        return KWS_NO_DETECTION;
    smoothing->suppressed = false;
    int32_t best = KWS_SMOOTHING_KEYWORD;
    for (int32_t i = best + 1; i < smoothing->labels; ++i)
        if (smoothing->sums[i] > smoothing->sums[best])
            best = i;
    if (smoothing->sums[best] <= smoothing->thresholds[best - KWS_SMOOTHING_KEYWORD])
        return KWS_NO_DETECTION;
    smoothing->suppressed = true;
    smoothing->detected_ms = time_ms;
    return best;
}
