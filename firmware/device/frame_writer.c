#include "frame.h"
#include "port.h"

/* A block's first byte is its code: how many bytes it has, itself included. */
static void write_block(struct kws_frame_writer *writer)
{
    writer->block[0] = writer->held;
    kws_port_write(writer->block, writer->held);
    writer->held = 1;
}

static void stuff(struct kws_frame_writer *writer, const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; ++i) {
        if (writer->held == sizeof writer->block)
            write_block(writer);
        if (bytes[i] == 0)
            write_block(writer);
        else
            writer->block[writer->held++] = bytes[i];
    }
}

void kws_frame_begin(struct kws_frame_writer *writer, uint8_t kind, uint16_t sequence)
{
    const uint8_t header[KWS_FRAME_HEADER] = {KWS_PROTOCOL_VERSION, kind, (uint8_t)sequence,
                                              (uint8_t)(sequence >> 8)};
    writer->held = 1;
    writer->crc = 0;
    kws_port_write((const uint8_t[]){0}, 1);
    kws_frame_put(writer, header, sizeof header);
}

void kws_frame_put(struct kws_frame_writer *writer, const void *bytes, size_t n)
{
    writer->crc = kws_crc32(writer->crc, bytes, n);
    stuff(writer, bytes, n);
}

void kws_frame_end(struct kws_frame_writer *writer)
{
    const uint32_t crc = writer->crc;
    const uint8_t check[KWS_FRAME_CHECK] = {(uint8_t)crc, (uint8_t)(crc >> 8),
                                            (uint8_t)(crc >> 16), (uint8_t)(crc >> 24)};
    stuff(writer, check, sizeof check);
    write_block(writer);
    kws_port_write((const uint8_t[]){0}, 1);
}
