/* Calls a network that bakeNN generated, on the input with which it was timed on a board. */
#include "bknn_net.h"

static int8_t input[BKNN_NET_INPUT_SIZE], output[BKNN_NET_OUTPUT_SIZE];
static uint8_t arena[BKNN_NET_ARENA_SIZE + 1] __attribute__((aligned(16)));

int8_t *timed_output(void);
void timed_prepare(void);
void timed_run(void);

int8_t *timed_output(void)
{
    return output;
}

void timed_prepare(void)
{
    for (unsigned i = 0; i < BKNN_NET_INPUT_SIZE; ++i)
        input[i] = BKNN_NET_INPUT_ZERO_POINT;
}

void timed_run(void)
{
    bknn_net_infer(arena, input, output);
}
