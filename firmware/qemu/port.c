/* The device on QEMU's mps2-an386: its link is UART 0, its counter the timer 0, both of Arm's
   Cortex-M System Design Kit. */
#include "device.h"
#include "port.h"

#define KWS_TIMER ((volatile uint32_t *)0x40000000)
#define KWS_UART ((volatile uint32_t *)0x40004000)

enum { KWS_TIMER_CONTROL, KWS_TIMER_VALUE, KWS_TIMER_RELOAD };
enum { KWS_UART_DATA, KWS_UART_STATE, KWS_UART_CONTROL, KWS_UART_INTERRUPT, KWS_UART_DIVIDER };
enum { KWS_UART_FULL_OUT = 1, KWS_UART_FULL_IN = 2 };  /* bits of the state */
enum { KWS_UART_ENABLE_OUT = 1, KWS_UART_ENABLE_IN = 2 }; /* bits of the control */
enum { KWS_EXIT = 0x20, KWS_APPLICATION_EXIT = 0x20026 };

int main(void);
void kws_halt(void);

/* QEMU is told that an instruction takes 256 ns, and the timer counts at 25 MHz: 6.4 ticks. Such
   virtual time is that of no clock. */
const struct kws_port_facts kws_port_facts = {
    .board = "QEMU mps2-an386", .clock_hz = 0, .counts = KWS_COUNTS_INSTRUCTIONS, .numerator = 5,
    .denominator = 32};

void kws_port_write(const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; ++i) {
        while (KWS_UART[KWS_UART_STATE] & KWS_UART_FULL_OUT)
            ;
        KWS_UART[KWS_UART_DATA] = bytes[i];
    }
}

uint32_t kws_port_counter(void)
{
    return ~KWS_TIMER[KWS_TIMER_VALUE]; /* it counts down */
}

bool kws_port_microphone(bool on)
{
    (void)on;
    return false;
}

void kws_port_detected(int32_t label)
{
    (void)label;
}

/* Replaces that of the start-up code: every fault leads here, and QEMU ends instead of hanging
   (Arm, "Semihosting for AArch32 and AArch64", 2023Q3). */
void kws_halt(void)
{
    const uint32_t parameters[] = {KWS_APPLICATION_EXIT, 1};
    register uint32_t r0 __asm__("r0") = KWS_EXIT;
    register const void *r1 __asm__("r1") = parameters;
    __asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
    for (;;)
        ;
}

int main(void)
{
    KWS_TIMER[KWS_TIMER_RELOAD] = UINT32_MAX;
    KWS_TIMER[KWS_TIMER_VALUE] = UINT32_MAX;
    KWS_TIMER[KWS_TIMER_CONTROL] = 1;
    KWS_UART[KWS_UART_DIVIDER] = 16; /* the least */
    KWS_UART[KWS_UART_CONTROL] = KWS_UART_ENABLE_OUT | KWS_UART_ENABLE_IN;
    kws_device_start();
    for (;;)
        if (KWS_UART[KWS_UART_STATE] & KWS_UART_FULL_IN) {
            const uint8_t byte = (uint8_t)KWS_UART[KWS_UART_DATA];
            kws_device_receive(&byte, 1);
        }
}
