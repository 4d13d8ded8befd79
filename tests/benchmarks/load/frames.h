/* The frames of the two wire formats: WebSocket (RFC 6455) and the text protocol of NATS. */
#ifndef FRAMES_H
#define FRAMES_H

#include <stddef.h>
#include <stdint.h>

enum frame_kind { FRAME_TEXT, FRAME_PING, FRAME_PONG, FRAME_CLOSE, FRAME_OTHER };

struct frame {
    enum frame_kind kind;
    uint8_t *payload; /* points into the parsed data; unmasked */
    size_t size;
    size_t wire_bytes;
};

/* The most bytes that a frame has around its payload, in both formats. */
#define MAX_FRAME_OVERHEAD 64

/* Parse the first frame of `data`. Return its bytes on the wire, or 0 if it is incomplete. */
size_t websocket_parse(uint8_t *data, size_t size, struct frame *frame);
size_t nats_parse(uint8_t *data, size_t size, struct frame *frame);

/* Write a frame from a client to its server; return its bytes on the wire. */
size_t websocket_encode(uint8_t *out, enum frame_kind kind, const void *payload, size_t size);
size_t nats_encode(uint8_t *out, enum frame_kind kind, const void *payload, size_t size);

/* Write the header of a text frame from a server to its client; return its bytes. */
size_t websocket_server_header(uint8_t *out, size_t size);

#endif
