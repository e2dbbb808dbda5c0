#include <string.h>

#include "frontend.h"

void kws_frontend_reset(struct kws_frontend *frontend)
{
    frontend->held = 0;
    frontend->oldest = 0;
    memset(frontend->rows, 0, sizeof frontend->rows);
}
