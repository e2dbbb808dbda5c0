#include "processor.h"

#include "port.h"

/* Registers of every Cortex-M4 (ARMv7-M Architecture Reference Manual, C1): debug exception and
   monitor control, and of the data watchpoint and trace unit, control and cycle count. */
#define KWS_DEMCR (*(volatile uint32_t *)0xE000EDFC)
#define KWS_DWT_CTRL (*(volatile uint32_t *)0xE0001000)
#define KWS_DWT_CYCCNT (*(volatile uint32_t *)0xE0001004)

/* Of the nRF52840 (Product Specification, NVMC): configuration of the cache of instructions. */
#define KWS_ICACHECNF (*(volatile uint32_t *)0x4001E540)

#define KWS_CACHE_ENABLE UINT32_C(1)
#define KWS_TRACE_ENABLE (UINT32_C(1) << 24)
#define KWS_COUNT_CYCLES UINT32_C(1)

const struct kws_port_facts kws_port_facts = {
    .board = "Arduino Nano 33 BLE Sense", .clock_hz = 64000000, .counts = KWS_COUNTS_CYCLES,
    .numerator = 1, .denominator = 1};

void kws_processor_prepare(void)
{
    KWS_ICACHECNF |= KWS_CACHE_ENABLE;
    KWS_DEMCR |= KWS_TRACE_ENABLE;
    KWS_DWT_CYCCNT = 0;
    KWS_DWT_CTRL |= KWS_COUNT_CYCLES;
}

uint32_t kws_port_counter(void)
{
    return KWS_DWT_CYCCNT;
}
