#include "smoothing.h"

int32_t kws_smoothing_sum(const struct kws_smoothing *smoothing, int32_t label)
{
    return smoothing->sums[label];
}
