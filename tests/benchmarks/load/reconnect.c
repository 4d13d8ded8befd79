/* A crowd whose server is killed and started again.
 *
 * Each member behaves like cloudchat's own client: full jitter in front of each attempt, bounded by what the last
 * `welcome` named, and the server's Retry-After where there is one. It is whole when its room is `recovered` and it has
 * every message that it missed, in order. */
#define _GNU_SOURCE
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "measurements.h"
#include "opening.h"

#define MS_NS 1000000u
#define SECOND_NS 1000000000u
#define BACK_OFF_SECONDS 2
#define BASE_MS 1000 /* bound of the first delay; it doubles with each attempt */
#define MAX_DELAY_MS 30000

struct member {
    char join[192];        /* with its position before the missed messages */
    uint64_t position;     /* the seq of that position */
    uint64_t next_seq;     /* that it waits for */
    unsigned within_ms;    /* `reconnect_within_ms` */
    unsigned attempt;
    uint64_t due_ns;       /* of the next attempt to connect or to join */
    uint64_t whole_ns;     /* 0: it is not yet */
    bool lost;             /* the first connection has ended */
};

struct crowd {
    const struct options *options;
    struct client *clients;
    struct member *members;
    unsigned whole, acks;
    unsigned attempts, refusals;
};

/* Return the number behind `key`, or `otherwise`. */
static uint64_t number_after(const struct frame *frame, const char *key, uint64_t otherwise)
{
    const uint8_t *found = memmem(frame->payload, frame->size, key, strlen(key));
    const uint8_t *end = frame->payload + frame->size;
    if (found == NULL)
        return otherwise;
    uint64_t number = 0;
    for (found += strlen(key); found < end && *found >= '0' && *found <= '9'; found++)
        number = 10 * number + (uint64_t)(*found - '0');
    return number;
}

/* -- before the server is killed ---------------------------------------------------------------------------------- */

static void note_position(void *context, struct client *client, const struct frame *frame)
{
    struct crowd *crowd = context;
    struct member *member = &crowd->members[client->number];
    if (frame_starts_with(frame, "{\"type\":\"welcome\""))
        member->within_ms = (unsigned)number_after(frame, "\"reconnect_within_ms\":", 3000);
    if (frame_starts_with(frame, "{\"type\":\"ack\""))
        crowd->acks++;
    if (!frame_starts_with(frame, "{\"type\":\"joined\""))
        return;
    const char *key = "\"epoch\":\"";
    const char *epoch = memmem(frame->payload, frame->size, key, strlen(key));
    if (epoch == NULL)
        fail("a joined without an epoch");
    epoch += strlen(key);
    member->position = number_after(frame, "\"seq\":", 0);
    snprintf(member->join, sizeof member->join,
             "{\"type\":\"join\",\"id\":\"join\",\"room\":\"lobby\",\"after\":{\"epoch\":\"%.*s\",\"seq\":%llu}}",
             (int)strcspn(epoch, "\""), epoch, (unsigned long long)member->position);
}

/* Store the messages, one after the other. Only the sender's socket is read: to all others they are lost on the way. */
static void send_missed(struct crowd *crowd)
{
    const struct target *target = &crowd->options->target;
    struct client *sender = &crowd->clients[0];
    struct pollfd readable = {.fd = sender->fd, .events = POLLIN};
    for (unsigned sent = 0; sent < crowd->options->missed; sent++) {
        char command[512];
        client_send(target, sender, command, target->dialect->send(command, NULL, "missed message", sent));
        while (crowd->acks <= sent) {
            if (poll(&readable, 1, (int)(target->timeout_ns / MS_NS)) <= 0)
                fail("there is no ack");
            client_ready(target, sender, note_position, crowd);
            if (sender->state == CLIENT_CLOSED)
                fail("the server closed the sender's connection");
        }
    }
}

/* -- afterwards --------------------------------------------------------------------------------------------------- */

static void schedule(struct member *member, const struct client *client)
{
    uint64_t bound_ms = BASE_MS, min_ms = 0, max_ms = member->within_ms;
    if (client->refused_status == 429 || client->refused_status == 503) {
        if (client->retry_after_seconds) {
            member->due_ns = now_ns() + (uint64_t)client->retry_after_seconds * SECOND_NS;
            return;
        }
        min_ms = BACK_OFF_SECONDS * 1000;
        max_ms = MAX_DELAY_MS;
    }
    for (unsigned doubled = 0; doubled < member->attempt && bound_ms < max_ms; doubled++)
        bound_ms *= 2;
    if (bound_ms > max_ms)
        bound_ms = max_ms;
    member->attempt++;
    member->due_ns = now_ns() + (min_ms + (uint64_t)(drand48() * (double)bound_ms)) * MS_NS;
}

static void take_frame(void *context, struct client *client, const struct frame *frame)
{
    struct crowd *crowd = context;
    struct member *member = &crowd->members[client->number];
    if (!member->lost || member->whole_ns)
        return;
    if (frame_starts_with(frame, "{\"type\":\"error\"")) {
        crowd->refusals++;
        member->due_ns = now_ns() + number_after(frame, "\"retry_after_ms\":", 1000) * MS_NS;
        client->state = CLIENT_OPEN;
    } else if (frame_starts_with(frame, "{\"type\":\"joined\"")) {
        const char *recovered = "\"status\":\"recovered\"";
        if (memmem(frame->payload, frame->size, recovered, strlen(recovered)) == NULL)
            fail("client %u was not recovered: %.*s", client->number, (int)frame->size, (const char *)frame->payload);
        member->next_seq = member->position + 1;
    } else if (frame_starts_with(frame, "{\"type\":\"message\"") && member->next_seq) {
        if (number_after(frame, "\"seq\":", 0) != member->next_seq)
            fail("client %u did not receive seq %zu", client->number, (size_t)member->next_seq);
        member->next_seq++;
    }
    if (member->next_seq > member->position + crowd->options->missed) {
        member->whole_ns = now_ns();
        crowd->whole++;
    }
}

static void take_event(struct crowd *crowd, struct client *client)
{
    const struct target *target = &crowd->options->target;
    struct member *member = &crowd->members[client->number];
    client_ready(target, client, take_frame, crowd);
    if (client->state == CLIENT_CLOSED) {
        if (member->whole_ns)
            fail("the server closed connection %u again", client->number);
        if (client->refused_status)
            crowd->refusals++;
        member->lost = true;
        member->next_seq = 0;
        schedule(member, client);
    } else if (client->state == CLIENT_OPEN && member->due_ns <= now_ns()) {
        client_join(target, client);
    }
}

static void start_due(struct crowd *crowd)
{
    uint64_t now = now_ns();
    for (unsigned i = 0; i < crowd->options->members; i++) {
        struct client *client = &crowd->clients[i];
        struct member *member = &crowd->members[i];
        if (!member->lost || member->whole_ns || member->due_ns > now)
            continue;
        if (client->state == CLIENT_OPEN) {
            client_join(&crowd->options->target, client);
        } else if (client->state == CLIENT_CLOSED) {
            crowd->attempts++;
            client_start(&crowd->options->target, client, i);
            if (client->state == CLIENT_CLOSED)
                schedule(member, client);
        }
    }
}

void measure_reconnect(const struct options *options)
{
    struct crowd crowd = {.options = options};
    crowd.clients = allocate(options->members, sizeof *crowd.clients);
    crowd.members = allocate(options->members, sizeof *crowd.members);
    srand48((long)now_ns());
    open_clients(&options->target, crowd.clients, options->members, options->at_once, true, note_position, &crowd);
    send_missed(&crowd);
    for (unsigned i = 0; i < options->members; i++)
        crowd.clients[i].join = crowd.members[i].join;
    printf("{\"joined\": %u, \"missed\": %u, \"within_ms\": %u}\n", options->members, options->missed,
           crowd.members[options->members - 1].within_ms);
    fflush(stdout);

    uint64_t end_ns = now_ns() + (uint64_t)(options->seconds * 1e9);
    while (crowd.whole < options->members) {
        struct epoll_event events[MAX_EVENTS];
        int ready = epoll_wait(options->target.poll, events, MAX_EVENTS, 0);
        for (int i = 0; i < ready; i++)
            take_event(&crowd, events[i].data.ptr);
        start_due(&crowd);
        if (now_ns() > end_ns)
            fail("only %u of %u clients are back after %.0f s", crowd.whole, options->members, options->seconds);
    }
    struct times times = {0};
    for (unsigned i = 0; i < options->members; i++)
        times_add(&times, crowd.members[i].whole_ns);
    printf("{\"p50_at\": %.4f, \"p99_at\": %.4f, \"last_at\": %.4f, \"attempts\": %u, \"refusals\": %u}\n",
           times_percentile_ms(&times, 0.5) / 1000, times_percentile_ms(&times, 0.99) / 1000,
           times_percentile_ms(&times, 1.0) / 1000, crowd.attempts, crowd.refusals);
}
