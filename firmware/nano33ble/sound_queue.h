#ifndef KWS_SOUND_QUEUE_H
#define KWS_SOUND_QUEUE_H

#include <stddef.h>
#include <stdint.h>

/* Sound on its way from the microphone's interrupt, which alone puts, to the loop, which alone
   calls the others. Neither waits for the other. */

#define KWS_SOUND_QUEUE 8192 /* samples, a power of two: half a second */

/* Appends n samples. What finds no room is lost, and counted. */
void kws_sound_put(const int16_t *samples, size_t n);

/* Takes the oldest samples, at most n. Returns how many. */
size_t kws_sound_take(int16_t *samples, size_t n);

/* Samples lost since this was last asked, or since kws_sound_clear. */
size_t kws_sound_lost(void);

/* Forgets what is in the queue. */
void kws_sound_clear(void);

#endif
