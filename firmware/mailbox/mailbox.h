#ifndef KWS_MAILBOX_H
#define KWS_MAILBOX_H

#include <stdint.h>

/* A link for a device that runs inside another program, on this machine or emulated: bytes are put
   into one array, and the answer is taken out of another. */

#define KWS_MAILBOX_IN 1024
#define KWS_MAILBOX_OUT 2304 /* the largest reply, and the detections before it */

extern uint8_t kws_mailbox_in[KWS_MAILBOX_IN];
extern uint8_t kws_mailbox_out[KWS_MAILBOX_OUT];
extern uint32_t kws_mailbox_written; /* bytes of the answer */

/* The sizes of the arrays, for those who know them no other way. */
extern const uint32_t kws_mailbox_in_size, kws_mailbox_out_size;

/* Lets the device take the first n bytes of kws_mailbox_in, up to the first that it answers.
   Returns how many it took. */
uint32_t kws_mailbox_deliver(uint32_t n);

/* Calls a function n times, so that a clock can time what is much shorter than its tick. */
void kws_mailbox_repeat(void (*function)(void), uint32_t n);

#endif
