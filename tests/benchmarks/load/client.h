/* One connection to a server, from connect() to the frames of its room. */
#ifndef CLIENT_H
#define CLIENT_H

#include <stdbool.h>

#include "dialects.h"

/* The server of a measurement and how its clients open. */
struct target {
    const struct dialect *dialect;
    int port;
    char **tokens; /* client n uses token n modulo `token_count` */
    unsigned token_count;
    int poll;            /* the epoll descriptor of all clients */
    uint64_t timeout_ns; /* a server that is silent for this long has failed */
};

enum client_state {
    CLIENT_CLOSED,
    CLIENT_CONNECTING, /* TCP */
    CLIENT_UPGRADING,  /* the HTTP request is sent */
    CLIENT_GREETING,   /* the first frame is missing */
    CLIENT_OPEN,
    CLIENT_JOINING,
    CLIENT_JOINED,
};

struct client {
    int fd;
    unsigned number;
    enum client_state state;
    const char *join;   /* what it sends to join: by default the dialect's */
    uint8_t *rest;      /* the beginning of a frame whose end has not arrived */
    size_t rest_size;
    uint64_t started_ns, opened_ns;
    int refused_status; /* of the HTTP response that refused the last attempt; 0: the connection was lost */
    int retry_after_seconds;
};

/* Called with each text frame of a client, and with the frames that open and join. */
typedef void frame_handler(void *context, struct client *client, const struct frame *frame);

/* Start to connect. The first two calls of epoll for this client belong to client_ready(). */
void client_start(const struct target *target, struct client *client, unsigned number);

/* Read what has arrived, or continue to connect. A connection that was refused or lost is CLIENT_CLOSED afterwards. */
void client_ready(const struct target *target, struct client *client, frame_handler *handler, void *context);

/* Send one text frame, or the join. Exit if the socket's buffer is full. */
void client_send(const struct target *target, struct client *client, const void *payload, size_t size);
void client_join(const struct target *target, struct client *client);

void client_close(struct client *client);

/* Return whether the payload begins with this text. */
bool frame_starts_with(const struct frame *frame, const char *text);

#endif
