#include "frontend.h"

size_t kws_frontend_size(void)
{
    return sizeof(struct kws_frontend);
}
