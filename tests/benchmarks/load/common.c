#include "common.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

void fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("load: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (memory == NULL)
        fail("out of memory");
    return memory;
}

void times_add(struct times *times, uint64_t ns)
{
    if (times->count == times->room) {
        times->room = times->room ? 2 * times->room : 1024;
        times->ns = realloc(times->ns, times->room * sizeof *times->ns);
        if (times->ns == NULL)
            fail("out of memory");
    }
    times->ns[times->count++] = ns;
}

static int compare(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

double times_percentile_ms(struct times *times, double share)
{
    if (times->count == 0)
        fail("nothing was measured");
    qsort(times->ns, times->count, sizeof *times->ns, compare);
    size_t rank = (size_t)(share * (double)times->count);
    if (rank >= times->count)
        rank = times->count - 1;
    return (double)times->ns[rank] / 1e6;
}

double processes_cpu_seconds(struct processes *processes)
{
    double sum = 0;
    for (int i = 0; i < processes->count; i++) {
        clockid_t clock;
        struct timespec used;
        /* To the nanosecond and with all threads, also those that have ended; /proc/PID/stat counts in 10 ms. */
        if (clock_getcpuclockid(processes->pids[i], &clock) == 0 && clock_gettime(clock, &used) == 0)
            processes->seconds[i] = (double)used.tv_sec + (double)used.tv_nsec / 1e9;
        sum += processes->seconds[i];
    }
    return sum;
}

void allow_files(size_t needed)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur >= needed)
        return;
    if (limit.rlim_max < needed)
        fail("%zu open files are needed, the limit is %zu: raise it with `ulimit -n %zu`", needed,
             (size_t)limit.rlim_max, needed);
    limit.rlim_cur = needed;
    setrlimit(RLIMIT_NOFILE, &limit);
}
