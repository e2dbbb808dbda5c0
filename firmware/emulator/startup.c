/* What a Cortex-M needs before C can run: vectors, the FPU, .data and .bss. */
#include <stddef.h>
#include <stdint.h>

extern uint32_t kws_data_source[], kws_data_start[], kws_data_end[];
extern uint32_t kws_bss_start[], kws_bss_end[], kws_stack_top[];

void kws_reset(void);
void kws_halt(void);

/* Programs that are called function by function have no main. */
__attribute__((weak)) int main(void)
{
    return 0;
}

__attribute__((section(".vectors"), used)) static void *const vectors[16] = {
    kws_stack_top, (void *)kws_reset, (void *)kws_halt, (void *)kws_halt,
    (void *)kws_halt, (void *)kws_halt, (void *)kws_halt};

/* Weak, so that a program can end otherwise. */
__attribute__((weak)) void kws_halt(void)
{
    for (;;)
        __asm__ volatile("");
}

void kws_reset(void)
{
    volatile uint32_t *const coprocessor_access = (uint32_t *)0xE000ED88;
    *coprocessor_access |= 0xFu << 20;
    __asm__ volatile("dsb\n\tisb");
    const uint32_t *from = kws_data_source;
    for (uint32_t *to = kws_data_start; to < kws_data_end; ++to)
        *to = *from++;
    for (uint32_t *to = kws_bss_start; to < kws_bss_end; ++to)
        *to = 0;
    main();
    kws_halt();
}
