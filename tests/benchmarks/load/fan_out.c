/* Rooms under load: one with all members, or many. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "measurements.h"
#include "opening.h"
#include "receiver.h"

#define MAX_TEXT_BYTES 4000
#define SETTLE_NS 100000000u
#define ROOM_NAME_BYTES 24
#define MAX_JOIN_BYTES 128

struct load {
    const struct options *options;
    struct client *clients; /* those of the first room first */
    struct room *rooms;
    uint64_t sent; /* in all rooms together */
    struct times latencies;
    size_t text_bytes;
    uint64_t now_ns; /* of the last poll */
    uint64_t last_event_ns;
};

static void send_message(struct load *load, struct room *room)
{
    const struct options *options = load->options;
    char text[MAX_TEXT_BYTES + 1], command[MAX_TEXT_BYTES + 512];
    uint64_t number = room_sent(room);
    memset(text, 'x', load->text_bytes);
    text[load->text_bytes] = '\0';
    int size = snprintf(text, sizeof text, "%s%0*llu", room->marker, NUMBER_DIGITS, (unsigned long long)number);
    text[size] = ' ';
    /* The senders are the middle members of equal parts of the room; for 1 the member in the middle. */
    uint64_t sender = (2 * (number % room->senders) + 1) * room->members / (2 * room->senders);
    client_send(&options->target, &load->clients[room->first_client + sender], command,
                options->target.dialect->send(command, room->name, text, load->sent++));
}

static uint64_t complete(const struct load *load)
{
    uint64_t sends = 0;
    for (unsigned i = 0; i < load->options->rooms; i++)
        sends += load->rooms[i].complete;
    return sends;
}

static void receive(struct load *load)
{
    struct epoll_event events[MAX_EVENTS];
    int ready = epoll_wait(load->options->target.poll, events, MAX_EVENTS, 0);
    load->now_ns = now_ns();
    if (ready > 0)
        load->last_event_ns = load->now_ns;
    else if (load->now_ns - load->last_event_ns > load->options->target.timeout_ns)
        fail("a message is lost, or the server has stopped: nothing arrived, and %zu sends are in flight",
             (size_t)(load->sent - complete(load)));
    for (int i = 0; i < ready; i++) {
        struct client *client = events[i].data.ptr;
        struct room *room = &load->rooms[client->number / load->options->members];
        client_ready(&load->options->target, client, room_frame, room);
        if (client->state == CLIENT_CLOSED)
            fail("the server closed the connection of member %u", client->number);
    }
}

/* A server that does not confirm a join may list its last member a moment after the response. */
static void settle(struct load *load)
{
    uint64_t end_ns = load->now_ns + SETTLE_NS;
    while (load->now_ns < end_ns)
        receive(load);
}

static void drain(struct load *load)
{
    while (complete(load) < load->sent)
        receive(load);
}

/* Keep the sends in flight for this time, or for this number of sends. */
static void run(struct load *load, double seconds, uint64_t sends)
{
    const struct options *options = load->options;
    uint64_t end_ns = load->now_ns + (uint64_t)(seconds * 1e9), last = load->sent + sends;
    while (sends ? complete(load) < last : load->now_ns < end_ns) {
        for (struct room *room = load->rooms; room < load->rooms + options->rooms; room++)
            while (room->sent - room->complete < options->in_flight && (!sends || load->sent < last))
                send_message(load, room);
        receive(load);
    }
}

/* Choose the length of the text that makes a message as long on the wire as `frame_bytes`. The first message also shows
 * that all members have read what was replayed to them. */
static void choose_text_bytes(struct load *load)
{
    size_t wanted = load->options->frame_bytes;
    load->text_bytes = load->options->text_bytes;
    for (int attempt = 0; attempt < 4; attempt++) {
        send_message(load, load->rooms);
        drain(load);
        if (wanted == 0 || load->rooms->frame_bytes == wanted)
            return;
        load->text_bytes += wanted - load->rooms->frame_bytes;
        if (load->text_bytes > MAX_TEXT_BYTES || load->text_bytes < MARKER_BYTES + NUMBER_DIGITS + 1)
            fail("no text makes a frame of %zu bytes", wanted);
    }
    fail("no text makes a frame of %zu bytes", wanted);
}

static uint64_t deliveries(const struct load *load)
{
    uint64_t count = 0;
    for (unsigned i = 0; i < load->options->rooms; i++)
        count += load->rooms[i].deliveries;
    return count;
}

/* The rooms must exist on a server that does not create them at the first join. */
static void name_room(struct load *load, struct room *room, unsigned number)
{
    char *name = allocate(ROOM_NAME_BYTES, 1), *join = allocate(MAX_JOIN_BYTES, 1);
    snprintf(name, ROOM_NAME_BYTES, "bench-%05u", number);
    room->name = name;
    load->options->target.dialect->join_room(join, name);
    for (unsigned i = 0; i < room->members; i++)
        load->clients[room->first_client + i].join = join;
}

void measure_fan_out(const struct options *options)
{
    if (options->text_bytes > MAX_TEXT_BYTES || options->text_bytes < MARKER_BYTES + NUMBER_DIGITS + 1)
        fail("--text-bytes must be between %d and %d", MARKER_BYTES + NUMBER_DIGITS + 1, MAX_TEXT_BYTES);
    if (options->in_flight >= MAX_IN_FLIGHT)
        fail("--in-flight must be below %d", MAX_IN_FLIGHT);
    if (options->rooms > 1 && options->target.dialect->join_room == NULL && !options->target.dialect->numbered_rooms)
        fail("a server of the dialect %s has one room", options->target.dialect->name);
    struct load *load = allocate(1, sizeof *load);
    load->options = options;
    load->clients = allocate(options->rooms * options->members, sizeof *load->clients);
    load->rooms = allocate(options->rooms, sizeof *load->rooms);
    for (unsigned i = 0; i < options->rooms; i++) {
        room_init(&load->rooms[i], options->target.dialect, options->members, options->in_flight, &load->latencies);
        load->rooms[i].first_client = i * options->members;
        if (options->rooms > 1 && options->target.dialect->join_room)
            name_room(load, &load->rooms[i], i);
    }
    open_clients(&options->target, load->clients, options->rooms * options->members, options->at_once, true,
                 ignore_frame, NULL);
    load->now_ns = load->last_event_ns = now_ns();
    settle(load);
    choose_text_bytes(load);
    run(load, options->warm_up_seconds, 0);
    drain(load);

    load->latencies.count = 0;
    uint64_t delivered = deliveries(load), sends = load->sent, started_ns = load->now_ns = now_ns();
    struct processes processes = options->processes;
    double cpu = processes_cpu_seconds(&processes);
    run(load, options->seconds, options->sends);
    cpu = processes_cpu_seconds(&processes) - cpu;
    double seconds = (double)(now_ns() - started_ns) / 1e9;
    delivered = deliveries(load) - delivered;
    sends = load->sent - sends;
    double p50 = times_percentile_ms(&load->latencies, 0.5), p99 = times_percentile_ms(&load->latencies, 0.99);
    drain(load);
    for (unsigned i = 0; i < options->rooms; i++)
        room_check(&load->rooms[i]);
    printf("{\"deliveries_per_second\": %.0f, \"sends_per_second\": %.1f, \"p50_ms\": %.3f, \"p99_ms\": %.3f, "
           "\"frame_bytes\": %zu, \"server_cpu\": %.3f, \"cpu_us_per_send\": %.1f}\n",
           (double)delivered / seconds, (double)sends / seconds, p50, p99, load->rooms->frame_bytes, cpu / seconds,
           1e6 * cpu / (double)sends);
}
