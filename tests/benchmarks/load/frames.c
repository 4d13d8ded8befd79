#include "frames.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* -- WebSocket ---------------------------------------------------------------------------------------------------- */

/* RFC 6455 §5.2 */
enum { FIN = 0x80, MASKED = 0x80, OPCODE = 0x0f, SIZE = 0x7f };

static const uint8_t opcode_of[] = {
    [FRAME_TEXT] = 0x1, [FRAME_CLOSE] = 0x8, [FRAME_PING] = 0x9, [FRAME_PONG] = 0xa, [FRAME_OTHER] = 0x2};

static enum frame_kind kind_of(uint8_t opcode)
{
    for (enum frame_kind kind = FRAME_TEXT; kind < FRAME_OTHER; kind++)
        if (opcode_of[kind] == opcode)
            return kind;
    return FRAME_OTHER;
}

size_t websocket_parse(uint8_t *data, size_t size, struct frame *frame)
{
    if (size < 2)
        return 0;
    bool masked = data[1] & MASKED;
    size_t payload_size = data[1] & SIZE, header = 2;
    if (payload_size >= 126) {
        size_t length_bytes = payload_size == 126 ? 2 : 8;
        if (size < 2 + length_bytes)
            return 0;
        payload_size = 0;
        for (; header < 2 + length_bytes; header++)
            payload_size = payload_size << 8 | data[header];
    }
    const uint8_t *mask = data + header;
    if (masked)
        header += 4;
    if (size < header || size - header < payload_size)
        return 0;
    frame->kind = kind_of(data[0] & OPCODE);
    frame->payload = data + header;
    frame->size = payload_size;
    if (masked && (mask[0] | mask[1] | mask[2] | mask[3]))
        for (size_t i = 0; i < payload_size; i++)
            frame->payload[i] ^= mask[i & 3];
    frame->wire_bytes = header + payload_size;
    return frame->wire_bytes;
}

static size_t write_header(uint8_t *out, uint8_t opcode, uint8_t mask_bit, size_t size)
{
    out[0] = FIN | opcode;
    if (size < 126) {
        out[1] = mask_bit | (uint8_t)size;
        return 2;
    }
    out[1] = mask_bit | 126;
    out[2] = (uint8_t)(size >> 8);
    out[3] = (uint8_t)size;
    return 4;
}

/* The mask is zero. This is valid on the wire (RFC 6455 §5.3 demands a mask, and the server must apply it), and masking
 * costs the generator nothing. */
size_t websocket_encode(uint8_t *out, enum frame_kind kind, const void *payload, size_t size)
{
    size_t header = write_header(out, opcode_of[kind], MASKED, size);
    memset(out + header, 0, 4);
    memcpy(out + header + 4, payload, size);
    return header + 4 + size;
}

size_t websocket_server_header(uint8_t *out, size_t size)
{
    return write_header(out, opcode_of[FRAME_TEXT], 0, size);
}

/* -- NATS --------------------------------------------------------------------------------------------------------- */

/* Every line ends with CRLF. `MSG <subject> <sid> <bytes>` is followed by the payload and another CRLF. */
size_t nats_parse(uint8_t *data, size_t size, struct frame *frame)
{
    uint8_t *end = memchr(data, '\n', size);
    if (end == NULL)
        return 0;
    size_t line = (size_t)(end - data) + 1;
    frame->payload = data;
    frame->size = frame->wire_bytes = line;
    if (data[0] == 'M') {
        size_t payload_size = 0, power = 1;
        for (const uint8_t *digit = end - 2; *digit != ' '; digit--, power *= 10)
            payload_size += power * (size_t)(*digit - '0');
        if (size < line + payload_size + 2)
            return 0;
        frame->kind = FRAME_TEXT;
        frame->payload = data + line;
        frame->size = payload_size;
        frame->wire_bytes = line + payload_size + 2;
        return frame->wire_bytes;
    }
    if (data[0] == '-')
        frame->kind = FRAME_CLOSE; /* -ERR */
    else if (memcmp(data, "PI", 2) == 0)
        frame->kind = FRAME_PING;
    else
        frame->kind = FRAME_OTHER; /* INFO, PONG, +OK */
    return line;
}

size_t nats_encode(uint8_t *out, enum frame_kind kind, const void *payload, size_t size)
{
    if (kind == FRAME_PONG)
        return (size_t)sprintf((char *)out, "PONG\r\n");
    size_t header = (size_t)sprintf((char *)out, "PUB bench %zu\r\n", size);
    memcpy(out + header, payload, size);
    memcpy(out + header + size, "\r\n", 2);
    return header + size + 2;
}
