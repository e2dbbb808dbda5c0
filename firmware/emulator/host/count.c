/* Counts executed basic blocks of an emulated program, called by unicorn for each of them: a hook
   in C runs ten times as fast as one in Python. */
#include <stdint.h>

struct kws_block_counts {
    uint64_t start;     /* address of the first entry */
    uint64_t entries;   /* halfwords that are counted from there */
    uint64_t limit;     /* instructions, roughly, after which the program is stopped */
    uint64_t spent;     /* halfwords of all executed blocks */
    uint32_t *executed; /* [entries]: how often the block that begins there ran */
    uint16_t *size;     /* [entries]: its halfwords, 0 as long as it never ran */
    int (*stop)(void *engine);
};

void kws_count_block(void *engine, uint64_t address, uint32_t size, void *data);

void kws_count_block(void *engine, uint64_t address, uint32_t size, void *data)
{
    struct kws_block_counts *counts = data;
    const uint64_t entry = (address - counts->start) / 2;
    counts->spent += size / 2;
    if (counts->spent > counts->limit)
        counts->stop(engine);
    if (entry < counts->entries) {
        counts->executed[entry] += 1;
        counts->size[entry] = (uint16_t)(size / 2);
    }
}
