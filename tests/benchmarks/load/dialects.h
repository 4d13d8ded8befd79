/* What a client sends to each of the servers to open its connection, to join and to send. */
#ifndef DIALECTS_H
#define DIALECTS_H

#include <stdbool.h>

#include "frames.h"

struct dialect {
    const char *name;
    const char *servers;  /* for the help text */
    const char *path;     /* of the HTTP upgrade, without its number; NULL: no HTTP, the server speaks first */
    const char *protocol; /* WebSocket subprotocol, or NULL */
    const char *greeting; /* how the first frame of an open connection begins; NULL: it is open after the upgrade */
    const char *join;     /* what the client sends then, as bytes or as the payload of a frame; NULL: it has joined */
    const char *joined;   /* how the frame begins that confirms it */
    const char *error;    /* how a frame begins that refuses something, or NULL */
    const char *seq_key;  /* what stands before the number that the server gives to a message, or NULL */
    size_t (*parse)(uint8_t *data, size_t size, struct frame *frame);
    size_t (*encode)(uint8_t *out, enum frame_kind kind, const void *payload, size_t size);
    bool numbered_rooms;  /* the number of a connection in its path says in which room it is */
    /* Write the payload that joins this room; return its size. NULL: there is one room, or `numbered_rooms`. */
    size_t (*join_room)(char *out, const char *room);
    /* Write the payload that sends `text` to this room (NULL: the only one); return its size. `number` differs in each
     * send of a run. */
    size_t (*send)(char *out, const char *room, const char *text, uint64_t number);
};

/* Return the dialect of this name, or exit with the list of names. */
const struct dialect *dialect_named(const char *name);

/* Print names and servers, one dialect per line. */
void dialects_print(void);

/* Write the bytes that open connection `number`; return their size. `token` may be NULL. */
size_t dialect_request(const struct dialect *dialect, char *out, size_t room, unsigned number, int port,
                       const char *token);

#endif
