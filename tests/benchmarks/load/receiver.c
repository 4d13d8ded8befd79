#define _GNU_SOURCE
#include "receiver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void room_init(struct room *room, const struct dialect *dialect, unsigned members, unsigned senders,
               struct times *latencies)
{
    memset(room, 0, sizeof *room);
    room->dialect = dialect;
    room->members = members;
    room->senders = senders;
    room->latencies = latencies;
    room->received = allocate(members, sizeof *room->received);
    room->samples = allocate(members, sizeof *room->samples);
    room->members_at[0] = members;
    unsigned run = (unsigned)(now_ns() >> 10) ^ (unsigned)getpid() << 12;
    snprintf(room->marker, sizeof room->marker, "bench %06x ", run & 0xffffff);
    /* The order of joining is the order of the fan-out: the samples are spread over it, from the first to the last. */
    unsigned samples = members < SAMPLED_MEMBERS ? members : SAMPLED_MEMBERS;
    for (unsigned i = 0; i < samples; i++) {
        unsigned member = samples > 1 ? i * (members - 1) / (samples - 1) : 0;
        struct sample *sample = room->samples[member] = allocate(1, sizeof *sample);
        for (unsigned sender = 0; sender < senders; sender++)
            sample->next_number[sender] = sender;
    }
}

uint64_t room_sent(struct room *room)
{
    uint64_t number = room->sent++;
    room->members_at[room->sent % MAX_IN_FLIGHT] = 0;
    room->sent_ns[number % MAX_IN_FLIGHT] = now_ns();
    return number;
}

/* Members differ only in how many messages they have received, so the number of complete sends is the smallest of these
 * counts. The tally by count finds it in O(1) per message. */
static void count(struct room *room, unsigned member)
{
    uint64_t before = room->received[member]++;
    if (before == room->sent)
        fail("member %u received more messages than were sent", member);
    room->deliveries++;
    room->members_at[(before + 1) % MAX_IN_FLIGHT]++;
    if (--room->members_at[before % MAX_IN_FLIGHT] || before != room->complete)
        return;
    while (room->complete < room->sent && room->members_at[room->complete % MAX_IN_FLIGHT] == 0)
        room->complete++;
}

/* Return where the marker stands in the payload, or NULL. It is at the same place in nearly all messages. */
static const uint8_t *find_marker(struct room *room, const struct frame *frame)
{
    if (frame->size >= room->marker_offset + MARKER_BYTES + NUMBER_DIGITS) {
        const uint8_t *expected = frame->payload + room->marker_offset;
        if (memcmp(expected, room->marker, MARKER_BYTES) == 0)
            return expected;
    }
    const uint8_t *found = memmem(frame->payload, frame->size, room->marker, MARKER_BYTES);
    if (found == NULL || found + MARKER_BYTES + NUMBER_DIGITS > frame->payload + frame->size)
        return NULL;
    room->marker_offset = (size_t)(found - frame->payload);
    return found;
}

static uint64_t parse_number(const uint8_t *digit, const uint8_t *end)
{
    uint64_t number = 0;
    for (; digit < end && *digit >= '0' && *digit <= '9'; digit++)
        number = 10 * number + (uint64_t)(*digit - '0');
    return number;
}

static void check_seq(const struct room *room, unsigned member, const struct frame *frame)
{
    struct sample *sample = room->samples[member];
    size_t key_bytes = strlen(room->dialect->seq_key);
    const uint8_t *key = memmem(frame->payload, frame->size, room->dialect->seq_key, key_bytes);
    if (key == NULL)
        fail("a message without %s", room->dialect->seq_key);
    uint64_t seq = parse_number(key + key_bytes, frame->payload + frame->size);
    if (sample->seq && seq != sample->seq + 1)
        fail("member %u received seq %zu after %zu", member, (size_t)seq, (size_t)sample->seq);
    sample->seq = seq;
}

static void check_number(struct room *room, unsigned member, const uint8_t *digits)
{
    uint64_t number = parse_number(digits, digits + NUMBER_DIGITS);
    uint64_t *next = &room->samples[member]->next_number[number % room->senders];
    if (number != *next)
        fail("member %u received message %zu instead of %zu", member, (size_t)number, (size_t)*next);
    *next += room->senders;
    times_add(room->latencies, now_ns() - room->sent_ns[number % MAX_IN_FLIGHT]);
}

void room_frame(void *context, struct client *client, const struct frame *frame)
{
    struct room *room = context;
    const uint8_t *marker = find_marker(room, frame);
    if (marker == NULL) {
        if (room->dialect->error && frame_starts_with(frame, room->dialect->error))
            fail("the server answered: %.*s", (int)frame->size, (const char *)frame->payload);
        return;
    }
    room->frame_bytes = frame->wire_bytes;
    unsigned member = client->number - room->first_client;
    if (room->samples[member]) {
        check_number(room, member, marker + MARKER_BYTES);
        if (room->dialect->seq_key)
            check_seq(room, member, frame);
    }
    count(room, member);
}

void room_check(const struct room *room)
{
    for (unsigned member = 0; member < room->members; member++)
        if (room->received[member] != room->sent)
            fail("member %u received %zu of %zu messages", member, (size_t)room->received[member],
                 (size_t)room->sent);
}
