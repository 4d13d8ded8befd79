/* Openings per second, and members that stay. */
#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "measurements.h"
#include "opening.h"

void measure_openings(const struct options *options)
{
    struct client *clients = allocate(options->members, sizeof *clients);
    struct processes processes = options->processes;
    double cpu = processes_cpu_seconds(&processes);
    uint64_t started_ns = now_ns();
    open_clients(&options->target, clients, options->members, options->at_once, false,
                 ignore_frame, NULL);
    double seconds = (double)(now_ns() - started_ns) / 1e9;
    cpu = processes_cpu_seconds(&processes) - cpu;
    struct times times = {0};
    for (unsigned i = 0; i < options->members; i++)
        times_add(&times, clients[i].opened_ns - clients[i].started_ns);
    printf("{\"openings_per_second\": %.1f, \"p50_ms\": %.3f, \"p99_ms\": %.3f, \"cpu_ms_each\": %.3f}\n",
           options->members / seconds, times_percentile_ms(&times, 0.5), times_percentile_ms(&times, 0.99),
           1000 * cpu / options->members);
}

void hold_members(const struct options *options)
{
    struct client *clients = allocate(options->members, sizeof *clients);
    open_clients(&options->target, clients, options->members, options->at_once, true, ignore_frame,
                 NULL);
    printf("{\"joined\": %u}\n", options->members);
    fflush(stdout);
    struct epoll_event input = {.events = EPOLLIN | EPOLLHUP, .data.ptr = NULL};
    epoll_ctl(options->target.poll, EPOLL_CTL_ADD, STDIN_FILENO, &input);
    for (;;) {
        struct epoll_event events[MAX_EVENTS];
        int received = epoll_wait(options->target.poll, events, MAX_EVENTS, -1);
        for (int i = 0; i < received; i++) {
            struct client *client = events[i].data.ptr;
            if (client == NULL)
                return;
            client_ready(&options->target, client, ignore_frame, NULL);
            if (client->state == CLIENT_CLOSED)
                fail("the server closed connection %u", client->number);
        }
    }
}
