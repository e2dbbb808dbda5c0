/* Counts executed basic blocks of an emulated program, called by unicorn for each of them: a hook
   in C runs ten times as fast as one in Python. */
#include <stdint.h>

/* What happened to the block that begins at a halfword. */
struct kws_block {
    uint32_t executed; /* how often it ran */
    uint32_t left;     /* how often another than the one behind it followed */
    uint32_t size;     /* halfwords */
};

struct kws_block_counts {
    uint64_t start;           /* address of the first entry */
    uint64_t entries;         /* halfwords that are counted from there */
    uint64_t limit;           /* halfwords after which the program is stopped */
    uint64_t spent;           /* halfwords of all executed blocks */
    uint64_t behind;          /* address right behind the block that ran last */
    struct kws_block *last;   /* that block */
    uint64_t different;       /* blocks that ran, each counted once */
    struct kws_block *blocks; /* [entries + 1]: the last stands for all that are not counted */
    uint32_t *which;          /* [entries + 1]: of these the first `different` ran */
    int (*stop)(void *engine);
};

void kws_count_block(void *engine, uint64_t address, uint32_t size, void *data);

void kws_count_block(void *engine, uint64_t address, uint32_t size, void *data)
{
    struct kws_block_counts *counts = data;
    const uint64_t halfword = (address - counts->start) / 2;
    const uint64_t entry = halfword < counts->entries ? halfword : counts->entries;
    struct kws_block *block = counts->blocks + entry;
    if (address != counts->behind)
        counts->last->left += 1;
    counts->behind = address + size;
    counts->last = block;
    if (block->executed++ == 0) {
        counts->which[counts->different++] = (uint32_t)entry;
        block->size = size / 2;
    }
    counts->spent += size / 2;
    if (counts->spent > counts->limit)
        counts->stop(engine);
}
