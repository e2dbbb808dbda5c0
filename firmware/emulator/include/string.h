/* The part of <string.h> that the firmware uses, for compilers that come without a C library. */
#ifndef KWS_STRING_H
#define KWS_STRING_H

#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int value, size_t size);
int memcmp(const void *a, const void *b, size_t size);

#endif
