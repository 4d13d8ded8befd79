#include "common.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

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

double processes_cpu_seconds(const struct processes *processes)
{
    unsigned long ticks = 0;
    for (int i = 0; i < processes->count; i++) {
        char path[64], text[1024];
        snprintf(path, sizeof path, "/proc/%d/stat", processes->pids[i]);
        FILE *file = fopen(path, "r");
        if (file == NULL)
            fail("process %d has ended", processes->pids[i]);
        size_t size = fread(text, 1, sizeof text - 1, file);
        fclose(file);
        text[size] = '\0';
        /* The name, in parentheses, may contain spaces: count the fields behind it (proc(5): utime is the 14th). */
        const char *fields = strrchr(text, ')');
        unsigned long user, system;
        if (fields == NULL ||
            sscanf(fields + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2)
            fail("cannot read %s", path);
        ticks += user + system;
    }
    return (double)ticks / (double)sysconf(_SC_CLK_TCK);
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
