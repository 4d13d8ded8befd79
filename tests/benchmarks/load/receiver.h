/* The members of a room as receivers: count what each gets, and check it. */
#ifndef RECEIVER_H
#define RECEIVER_H

#include "client.h"
#include "common.h"

#define MARKER_BYTES 13 /* "bench 12ab34 " */
#define NUMBER_DIGITS 8
#define MAX_IN_FLIGHT 1024
#define SAMPLED_MEMBERS 8

/* A sampled member: every message that it gets is parsed.
 *
 * `next_number[s]` is the number of the next message of sender s, who sends the numbers s, s + senders,
 * s + 2 × senders, …: each must arrive exactly once. The order of messages of different senders is the server's choice;
 * where it numbers them, their seqs must have no hole and no repetition. */
struct sample {
    uint64_t next_number[MAX_IN_FLIGHT];
    uint64_t seq; /* of the last message, where the server gives one */
};

struct room {
    const struct dialect *dialect;
    const char *name; /* NULL: the only room of the server */
    unsigned members, senders;
    unsigned first_client; /* the number of the client that is member 0 */
    char marker[MARKER_BYTES + 1]; /* in each message of this run, and in no other */
    size_t marker_offset;          /* where it was in the last message */
    size_t frame_bytes;            /* of the last message, on the wire */
    uint64_t *received;            /* by member */
    struct sample **samples;       /* by member; NULL if it is not sampled */
    uint64_t sent, complete;       /* sends, and sends that every member has */
    uint64_t deliveries;
    uint64_t sent_ns[MAX_IN_FLIGHT];    /* by number modulo MAX_IN_FLIGHT */
    unsigned members_at[MAX_IN_FLIGHT]; /* [n modulo MAX_IN_FLIGHT]: members that have received exactly n messages */
    struct times *latencies;            /* from send to delivery, on the sampled members */
};

/* `latencies` may be shared by several rooms. */
void room_init(struct room *room, const struct dialect *dialect, unsigned members, unsigned senders,
               struct times *latencies);

/* Count one more send; return its number, from 0. */
uint64_t room_sent(struct room *room);

/* The frame_handler of the members; `context` is the room. */
void room_frame(void *context, struct client *client, const struct frame *frame);

/* Exit unless every member has received every message exactly once. */
void room_check(const struct room *room);

#endif
