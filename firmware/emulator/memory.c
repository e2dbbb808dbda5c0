/* The four functions that compilers call even without a C library. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Words are moved where both ends allow it; a compiler must not turn the loops into calls of the
   very functions they are in. */
#if defined(__clang__)
#define KWS_NO_LOOP_IDIOM __attribute__((no_builtin))
#else
#define KWS_NO_LOOP_IDIOM __attribute__((optimize("no-tree-loop-distribute-patterns")))
#endif

typedef uint32_t word __attribute__((may_alias));

/* Copied by one load and one store of several registers. */
typedef struct __attribute__((may_alias)) {
    uint32_t words[8];
} block;

static int aligned(const void *a, const void *b)
{
    return (((uintptr_t)a | (uintptr_t)b) & 3) == 0;
}

/* From the lowest byte up; `to` may overlap what lies above it. */
KWS_NO_LOOP_IDIOM static void copy_upwards(unsigned char *to, const unsigned char *from,
                                           size_t size)
{
    if (aligned(to, from)) {
        for (; size >= sizeof(block); size -= sizeof(block)) {
            *(block *)to = *(const block *)from;
            to += sizeof(block), from += sizeof(block);
        }
        for (; size >= sizeof(word); size -= sizeof(word)) {
            *(word *)to = *(const word *)from;
            to += sizeof(word), from += sizeof(word);
        }
    }
    while (size--)
        *to++ = *from++;
}

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
    copy_upwards(to, from, size);
    return to;
}

KWS_NO_LOOP_IDIOM void *memmove(void *to, const void *from, size_t size)
{
    unsigned char *t = to;
    const unsigned char *f = from;
    if (t <= f)
        copy_upwards(t, f, size);
    else
        while (size--)
            t[size] = f[size];
    return to;
}

KWS_NO_LOOP_IDIOM void *memset(void *to, int value, size_t size)
{
    unsigned char *t = to;
    const uint32_t filled = (unsigned char)value * 0x01010101u;
    if (aligned(t, t))
        for (; size >= 4; size -= 4, t += 4)
            *(word *)t = filled;
    while (size--)
        *t++ = (unsigned char)value;
    return to;
}

KWS_NO_LOOP_IDIOM int memcmp(const void *a, const void *b, size_t size)
{
    const unsigned char *x = a, *y = b;
    for (; size--; ++x, ++y)
        if (*x != *y)
            return *x - *y;
    return 0;
}

/* The names and the argument order of the ARM run-time ABI, which clang calls. */
#define KWS_RUN_TIME_ABI(width)                                                                    \
    void __aeabi_memcpy##width(void *to, const void *from, size_t size);                           \
    void __aeabi_memmove##width(void *to, const void *from, size_t size);                          \
    void __aeabi_memset##width(void *to, size_t size, int value);                                  \
    void __aeabi_memclr##width(void *to, size_t size);                                             \
    void __aeabi_memcpy##width(void *to, const void *from, size_t size) { memcpy(to, from, size); }\
    void __aeabi_memmove##width(void *to, const void *from, size_t size) { memmove(to, from, size); }\
    void __aeabi_memset##width(void *to, size_t size, int value) { memset(to, value, size); }      \
    void __aeabi_memclr##width(void *to, size_t size) { memset(to, 0, size); }

KWS_RUN_TIME_ABI()
KWS_RUN_TIME_ABI(4)
KWS_RUN_TIME_ABI(8)
