#ifndef KWS_DEVICE_H
#define KWS_DEVICE_H

#include <stddef.h>
#include <stdint.h>

/* A board that answers frames (frame.h) and listens. Numbers in payloads are little-endian. A reply
   has the kind of its request plus KWS_REPLY; kwslib.board.client is the other side.

   request       payload                          payload of the reply
   KWS_INFO                                       the network's SHA-256, text; arena (4); layers
                                                  (1); the port's counts (1), numerator (2),
                                                  denominator (2), clock in Hz (4), board, text;
                                                  number of labels (1), each a text
   KWS_HEAR      int16 samples of the stream      uint32 frames heard since it began
   KWS_FEATURES                                   the image of the last KWS_FRAMES frames, uint8
   KWS_INFER     an image, or none for that of    int8 scores of the labels
                 the last frames
   KWS_PROFILE   KWS_HOP int16 samples            uint32 of the counter for each: nothing, front
                                                  end, image, network, postprocessing, layers
   KWS_STREAM    source (0 KWS_HEAR, 1 the
                 microphone), then settings:
                 hops, inferences,
                 refractory_ms (2), thresholds
   KWS_STOP                                       uint32: frames, inferences, detections, samples
                                                  lost since the stream began

   A text ends with a byte of 0. KWS_STREAM and KWS_STOP begin anew: nothing heard yet. KWS_PROFILE
   ends the stream, and leaves one of the two to be sent before KWS_HEAR.
   In a stream, KWS_DETECTION comes unasked (sequence 0): label (1), sum (2), time_ms (4).
   What cannot be answered gets KWS_ERROR: a code (1) of enum kws_error. */

enum kws_kind {
    KWS_INFO = 0x01,
    KWS_HEAR = 0x02,
    KWS_FEATURES = 0x03,
    KWS_INFER = 0x04,
    KWS_PROFILE = 0x05,
    KWS_STREAM = 0x06,
    KWS_STOP = 0x07,
    KWS_DETECTION = 0x40,
    KWS_ERROR = 0x7F,
    KWS_REPLY = 0x80
};

enum kws_error {
    KWS_ERROR_VERSION = 1, /* a frame of another version of the protocol */
    KWS_ERROR_KIND = 2,    /* no such request */
    KWS_ERROR_PAYLOAD = 3, /* a payload of the wrong size, or settings out of their limits */
    KWS_ERROR_MICROPHONE = 4 /* there is none */
};

/* Begins: nothing heard, and where there is a microphone, listening to it. */
void kws_device_start(void);

/* Bytes that came over the link. */
void kws_device_receive(const uint8_t *bytes, size_t n);

/* Sound from the microphone; ignored unless the stream comes from there. */
void kws_device_listen(const int16_t *samples, size_t n);

/* Sound from the microphone that was lost before it could be heard. */
void kws_device_lost(size_t samples);

#endif
