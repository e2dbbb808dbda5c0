#include "sound_queue.h"

#include <string.h>

/* Both ends count samples since the start, modulo 2^32; each end writes only its own counters. */
static struct {
    int16_t samples[KWS_SOUND_QUEUE];
    uint32_t put, lost;  /* by the interrupt */
    uint32_t taken, told; /* by the loop */
} queue;

static uint32_t minimum(size_t a, uint32_t b)
{
    return a < b ? (uint32_t)a : b;
}

void kws_sound_put(const int16_t *samples, size_t n)
{
    const uint32_t put = queue.put;
    const uint32_t taken = __atomic_load_n(&queue.taken, __ATOMIC_ACQUIRE);
    const uint32_t fits = minimum(n, KWS_SOUND_QUEUE - (put - taken));
    const uint32_t at = put % KWS_SOUND_QUEUE;
    const uint32_t to_end = minimum(fits, KWS_SOUND_QUEUE - at);
    memcpy(queue.samples + at, samples, to_end * sizeof *samples);
    memcpy(queue.samples, samples + to_end, (fits - to_end) * sizeof *samples);
    __atomic_store_n(&queue.put, put + fits, __ATOMIC_RELEASE);
    __atomic_store_n(&queue.lost, queue.lost + (uint32_t)n - fits, __ATOMIC_RELEASE);
}

size_t kws_sound_take(int16_t *samples, size_t n)
{
    const uint32_t taken = queue.taken;
    const uint32_t put = __atomic_load_n(&queue.put, __ATOMIC_ACQUIRE);
    const uint32_t found = minimum(n, put - taken);
    const uint32_t at = taken % KWS_SOUND_QUEUE;
    const uint32_t to_end = minimum(found, KWS_SOUND_QUEUE - at);
    memcpy(samples, queue.samples + at, to_end * sizeof *samples);
    memcpy(samples + to_end, queue.samples, (found - to_end) * sizeof *samples);
    __atomic_store_n(&queue.taken, taken + found, __ATOMIC_RELEASE);
    return found;
}

size_t kws_sound_lost(void)
{
    const uint32_t lost = __atomic_load_n(&queue.lost, __ATOMIC_ACQUIRE);
    const uint32_t since = lost - queue.told;
    queue.told = lost;
    return since;
}

void kws_sound_clear(void)
{
    __atomic_store_n(&queue.taken, __atomic_load_n(&queue.put, __ATOMIC_ACQUIRE),
                     __ATOMIC_RELEASE);
    kws_sound_lost();
}
