#include "smoothing.h"

size_t kws_smoothing_size(void)
{
    return sizeof(struct kws_smoothing);
}
