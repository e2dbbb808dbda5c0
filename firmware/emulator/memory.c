/* The four functions that compilers call even without a C library. Every program carries them, so
   they are small: no loop is unrolled but by hand, and none is inlined into another. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Words are moved where both ends allow it; a compiler must not turn the loops into calls of the
   very functions they are in. */
#if defined(__clang__)
#define KWS_LOOPS __attribute__((no_builtin, noinline))
#define KWS_ROLLED _Pragma("clang loop unroll(disable)")
#else
#define KWS_LOOPS __attribute__((optimize("no-tree-loop-distribute-patterns"), noinline))
#define KWS_ROLLED _Pragma("GCC unroll 1")
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
KWS_LOOPS static void copy_upwards(unsigned char *to, const unsigned char *from, size_t size)
{
    if (aligned(to, from)) {
        KWS_ROLLED
        for (; size >= sizeof(block); size -= sizeof(block)) {
            *(block *)to = *(const block *)from;
            to += sizeof(block), from += sizeof(block);
        }
        KWS_ROLLED
        for (; size >= sizeof(word); size -= sizeof(word)) {
            *(word *)to = *(const word *)from;
            to += sizeof(word), from += sizeof(word);
        }
    }
    KWS_ROLLED
    while (size--)
        *to++ = *from++;
}

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
    copy_upwards(to, from, size);
    return to;
}

KWS_LOOPS void *memmove(void *to, const void *from, size_t size)
{
    unsigned char *t = to;
    const unsigned char *f = from;
    if (t <= f) {
        copy_upwards(t, f, size);
        return to;
    }
    KWS_ROLLED
    while (size--)
        t[size] = f[size];
    return to;
}

KWS_LOOPS void *memset(void *to, int value, size_t size)
{
    unsigned char *t = to;
    const uint32_t filled = (unsigned char)value * 0x01010101u;
    if (aligned(t, t)) {
        const block pattern = {{filled, filled, filled, filled, filled, filled, filled, filled}};
        KWS_ROLLED
        for (; size >= sizeof(block); size -= sizeof(block), t += sizeof(block))
            *(block *)t = pattern;
        KWS_ROLLED
        for (; size >= sizeof(word); size -= sizeof(word), t += sizeof(word))
            *(word *)t = filled;
    }
    KWS_ROLLED
    while (size--)
        *t++ = (unsigned char)value;
    return to;
}

KWS_LOOPS int memcmp(const void *a, const void *b, size_t size)
{
    const unsigned char *x = a, *y = b;
    KWS_ROLLED
    for (; size--; ++x, ++y)
        if (*x != *y)
            return *x - *y;
    return 0;
}

/* The names of the ARM run-time ABI, which clang calls; what they return is ignored there. */
#define KWS_RUN_TIME_ABI(width)                                                                    \
    void *__aeabi_memcpy##width(void *restrict to, const void *restrict from, size_t size)         \
        __attribute__((alias("memcpy")));                                                          \
    void *__aeabi_memmove##width(void *to, const void *from, size_t size)                          \
        __attribute__((alias("memmove")));                                                         \
    void *__aeabi_memset##width(void *to, size_t size, int value)                                  \
        __attribute__((alias("set_by_run_time_abi")));                                             \
    void *__aeabi_memclr##width(void *to, size_t size) __attribute__((alias("clear")));

/* In the argument order of that ABI. */
__attribute__((used)) static void *set_by_run_time_abi(void *to, size_t size, int value)
{
    return memset(to, value, size);
}

__attribute__((used)) static void *clear(void *to, size_t size)
{
    return memset(to, 0, size);
}

KWS_RUN_TIME_ABI()
KWS_RUN_TIME_ABI(4)
KWS_RUN_TIME_ABI(8)
