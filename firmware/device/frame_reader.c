#include "frame.h"

static uint32_t little_endian(const uint8_t *bytes, size_t n)
{
    uint32_t value = 0;
    while (n--)
        value = value << 8 | bytes[n];
    return value;
}

/* COBS in place: a code says how many bytes up to the next code, and that a 0x00 stood there unless
   it is 255. Returns the decoded size, or 0 where a code leads beyond the end. */
static size_t decode(uint8_t *bytes, size_t n)
{
    size_t from = 0, to = 0;
    while (from < n) {
        const size_t code = bytes[from++];
        if (from + code - 1 > n)
            return 0;
        for (size_t i = 1; i < code; ++i)
            bytes[to++] = bytes[from++];
        if (code < 255 && from < n)
            bytes[to++] = 0;
    }
    return to;
}

static bool parse(struct kws_frame_reader *reader, struct kws_frame *frame)
{
    const uint8_t *const bytes = reader->bytes;
    const size_t size = reader->overrun ? 0 : decode(reader->bytes, reader->held);
    if (size < KWS_FRAME_HEADER + KWS_FRAME_CHECK || size > KWS_FRAME_SIZE)
        return false;
    const size_t checked = size - KWS_FRAME_CHECK;
    if (kws_crc32(0, bytes, checked) != little_endian(bytes + checked, KWS_FRAME_CHECK))
        return false;
    frame->version = bytes[0];
    frame->kind = bytes[1];
    frame->sequence = (uint16_t)little_endian(bytes + 2, 2);
    frame->payload = bytes + KWS_FRAME_HEADER;
    frame->size = checked - KWS_FRAME_HEADER;
    return true;
}

bool kws_frame_take(struct kws_frame_reader *reader, uint8_t byte, struct kws_frame *frame)
{
    if (byte != 0) {
        if (reader->held < sizeof reader->bytes)
            reader->bytes[reader->held++] = byte;
        else
            reader->overrun = true;
        return false;
    }
    const bool whole = parse(reader, frame);
    reader->held = 0;
    reader->overrun = false;
    return whole;
}
