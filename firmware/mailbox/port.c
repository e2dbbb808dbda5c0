#include "mailbox.h"

#include <string.h>

#include "device.h"
#include "port.h"

uint8_t kws_mailbox_in[KWS_MAILBOX_IN];
uint8_t kws_mailbox_out[KWS_MAILBOX_OUT];
uint32_t kws_mailbox_written;
const uint32_t kws_mailbox_in_size = KWS_MAILBOX_IN;
const uint32_t kws_mailbox_out_size = KWS_MAILBOX_OUT;

/* Whoever reads the mailbox times and counts from outside. */
const struct kws_port_facts kws_port_facts = {
    .board = KWS_MAILBOX_BOARD, .counts = KWS_COUNTS_NOTHING, .numerator = 1, .denominator = 1};

uint32_t kws_mailbox_deliver(uint32_t n)
{
    uint32_t taken = 0;
    kws_mailbox_written = 0;
    while (taken < n && kws_mailbox_written == 0)
        kws_device_receive(kws_mailbox_in + taken++, 1);
    return taken;
}

void kws_mailbox_repeat(void (*function)(void), uint32_t n)
{
    while (n--)
        function();
}

void kws_port_write(const uint8_t *bytes, size_t n)
{
    const size_t left = sizeof kws_mailbox_out - kws_mailbox_written;
    const size_t fits = n < left ? n : left;
    memcpy(kws_mailbox_out + kws_mailbox_written, bytes, fits);
    kws_mailbox_written += (uint32_t)fits;
}

uint32_t kws_port_counter(void)
{
    return 0;
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
