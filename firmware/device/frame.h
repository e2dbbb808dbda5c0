#ifndef KWS_FRAME_H
#define KWS_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Frames over a stream of bytes that may lose, add or change some:

       0x00, COBS(version, kind, sequence (2), payload, CRC-32 (4)), 0x00

   Numbers are little-endian. COBS leaves no 0x00 inside a frame, so that a reader finds the next
   frame whatever went before; CRC-32 (that of Ethernet and zip) covers all from the version to the
   payload's end. A reply has its request's sequence. kwslib.board.transport is the other side.
   Source: S. Cheshire and M. Baker, "Consistent Overhead Byte Stuffing", IEEE/ACM Transactions on
   Networking 7 (1999). */

#define KWS_PROTOCOL_VERSION 1
#define KWS_PAYLOAD_SIZE 1960 /* at most: an image of 49 x 40 */

#define KWS_FRAME_HEADER 4
#define KWS_FRAME_CHECK 4
#define KWS_FRAME_SIZE (KWS_FRAME_HEADER + KWS_PAYLOAD_SIZE + KWS_FRAME_CHECK)
#define KWS_FRAME_ENCODED (KWS_FRAME_SIZE + KWS_FRAME_SIZE / 254 + 1)

struct kws_frame {
    uint8_t version, kind;
    uint16_t sequence;
    const uint8_t *payload;
    size_t size;
};

struct kws_frame_reader {
    uint8_t bytes[KWS_FRAME_ENCODED];
    size_t held;
    bool overrun; /* more bytes than any frame has: wait for the next 0x00 */
};

struct kws_frame_writer {
    uint8_t block[255]; /* of COBS: a code and up to 254 bytes that are not 0 */
    uint8_t held;       /* bytes of it */
    uint32_t crc;
};

/* Takes one byte of the stream. Returns whether it ended a whole frame with the right check; then
   frame holds it, its payload until the next call. Whatever else comes is skipped. */
bool kws_frame_take(struct kws_frame_reader *reader, uint8_t byte, struct kws_frame *frame);

/* Writes a frame to the port piece by piece. */
void kws_frame_begin(struct kws_frame_writer *writer, uint8_t kind, uint16_t sequence);
void kws_frame_put(struct kws_frame_writer *writer, const void *bytes, size_t n);
void kws_frame_end(struct kws_frame_writer *writer);

/* Continues a CRC-32 that began with 0. */
uint32_t kws_crc32(uint32_t crc, const void *bytes, size_t n);

#endif
