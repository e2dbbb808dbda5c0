#include <string.h>

#include "smoothing.h"

bool kws_smoothing_reset(struct kws_smoothing *smoothing, int32_t labels, int32_t inferences,
                         const uint8_t *thresholds, uint32_t refractory_ms)
{
    if (labels <= KWS_SMOOTHING_KEYWORD || labels > KWS_SMOOTHING_LABELS || inferences < 1 ||
        inferences > KWS_SMOOTHING_INFERENCES || refractory_ms > INT32_MAX)
        return false;
    memset(smoothing, 0, sizeof *smoothing);
    smoothing->labels = labels;
    smoothing->inferences = inferences;
    smoothing->refractory_ms = refractory_ms;
    for (int32_t i = 0; i < labels - KWS_SMOOTHING_KEYWORD; ++i)
        smoothing->thresholds[i] = (uint16_t)(thresholds[i] * inferences);
    return true;
}
