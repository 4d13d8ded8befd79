/* Clock, memory, process usage and results: what every measurement needs. */
#ifndef COMMON_H
#define COMMON_H

#include <stddef.h>
#include <stdint.h>

/* Print the message to stderr, as printf does, and exit with 1. */
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Return the time of CLOCK_MONOTONIC in nanoseconds: the clock of Python's time.monotonic(). */
uint64_t now_ns(void);

/* Return zeroed memory; exit if there is none. */
void *allocate(size_t count, size_t size);

/* A growing list of measured times. */
struct times {
    uint64_t *ns;
    size_t count, room;
};

void times_add(struct times *times, uint64_t ns);

/* Sort the times; return the smallest one in milliseconds that at least `share` of them do not exceed. */
double times_percentile_ms(struct times *times, double share);

/* Processes whose CPU time a measurement reports: a server and its store. */
#define MAX_PROCESSES 64

struct processes {
    int pids[MAX_PROCESSES];
    double seconds[MAX_PROCESSES]; /* when it was last seen */
    int count;
};

/* Return the CPU seconds, user and system, that the processes have used so far. One that has ended, such as a worker of
 * a database, counts as it was last seen. */
double processes_cpu_seconds(struct processes *processes);

/* Allow this many open files, or exit with a message that says how. */
void allow_files(size_t needed);

#endif
