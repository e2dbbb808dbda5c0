#ifndef KWS_PORT_H
#define KWS_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What each place that the device runs in provides: a way out for bytes, a counter to time with,
   and where there are any, a microphone and lights. Bytes that come in are handed to
   kws_device_receive, sound to kws_device_listen. */

enum kws_counts { KWS_COUNTS_NOTHING, KWS_COUNTS_CYCLES, KWS_COUNTS_INSTRUCTIONS };

struct kws_port_facts {
    const char *board;
    uint32_t clock_hz;
    enum kws_counts counts; /* what counter * numerator / denominator is */
    uint16_t numerator, denominator;
};

extern const struct kws_port_facts kws_port_facts;

/* Sends bytes; returns when they are on their way, or lost because nobody listens. */
void kws_port_write(const uint8_t *bytes, size_t n);

/* A counter that goes up, and wraps around. */
uint32_t kws_port_counter(void);

/* Turns the microphone on or off. Returns whether there is one. */
bool kws_port_microphone(bool on);

/* Shows that a keyword was detected. */
void kws_port_detected(int32_t label);

#endif
