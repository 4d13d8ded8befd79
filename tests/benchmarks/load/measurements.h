/* The measurements of the load generator. Each prints its results as lines of JSON, and exits with 1 if the server
 * refuses a client, closes a connection, or loses, repeats or reorders a message: its figures would mean nothing. */
#ifndef MEASUREMENTS_H
#define MEASUREMENTS_H

#include "client.h"
#include "common.h"

struct options {
    struct target target;
    struct processes processes; /* whose CPU time is measured */
    unsigned members; /* of each room */
    unsigned rooms;
    unsigned at_once;
    unsigned in_flight;
    unsigned missed;
    size_t text_bytes;
    size_t frame_bytes; /* 0: as `text_bytes` makes it */
    double seconds;
    double warm_up_seconds;
    uint64_t sends; /* 0: as many as fit into `seconds` */
    int server_core;
};

/* `rooms` of `members` under load: always `in_flight` sends in each, each in flight until every member has it. */
void measure_fan_out(const struct options *options);

/* Open `members` connections, `at_once` at a time, without joining. */
void measure_openings(const struct options *options);

/* Let `members` join and stay idle until the standard input ends. */
void hold_members(const struct options *options);

/* Let `members` join, miss `missed` messages and lose their server; the time at which each has them all. */
void measure_reconnect(const struct options *options);

/* How much this generator can receive: from a process that only writes prepared frames, on `server_core`. */
void measure_ceiling(const struct options *options);

#endif
