/* What the generator itself can receive: from a process that does nothing but write prepared frames. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "measurements.h"
#include "opening.h"
#include "receiver.h"

static const struct dialect prepared = {.name = "prepared", .parse = websocket_parse};

static int listen_on_any_port(int *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) < 0 || listen(fd, 4096) < 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) < 0)
        fail("cannot listen: %s", strerror(errno));
    *port = ntohs(address.sin_port);
    return fd;
}

/* Write the same batch to one member after the other, until the parent ends this process. */
static _Noreturn void write_batches(int listener, const struct options *options, const char *marker)
{
    size_t text = options->frame_bytes - 4, batch_bytes = options->in_flight * options->frame_bytes;
    uint8_t *batch = allocate(batch_bytes, 1);
    for (uint8_t *frame = batch; frame < batch + batch_bytes; frame += options->frame_bytes) {
        size_t header = websocket_server_header(frame, text);
        memset(frame + header, 'x', text);
        memcpy(frame + header, marker, MARKER_BYTES);
        memcpy(frame + header + MARKER_BYTES, "00000000", NUMBER_DIGITS);
    }
    int *sockets = allocate(options->members, sizeof *sockets);
    size_t *written = allocate(options->members, sizeof *written); /* of the batch that it is in */
    for (unsigned i = 0; i < options->members; i++)
        if ((sockets[i] = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) < 0)
            fail("accept: %s", strerror(errno));
    for (;;)
        for (unsigned i = 0; i < options->members; i++) {
            ssize_t sent = send(sockets[i], batch + written[i], batch_bytes - written[i], MSG_NOSIGNAL);
            if (sent > 0)
                written[i] = (written[i] + (size_t)sent) % batch_bytes;
        }
}

static pid_t start_writer(int listener, const struct options *options, const char *marker)
{
    pid_t writer = fork();
    if (writer != 0)
        return writer;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    cpu_set_t core;
    CPU_ZERO(&core);
    CPU_SET((size_t)options->server_core, &core);
    sched_setaffinity(0, sizeof core, &core);
    write_batches(listener, options, marker);
}

static void connect_members(const struct target *target, unsigned members)
{
    struct client *clients = allocate(members, sizeof *clients);
    for (unsigned i = 0; i < members; i++) {
        client_start(target, &clients[i], i);
        client_ready(target, &clients[i], ignore_frame, NULL);
        if (clients[i].state == CLIENT_CLOSED)
            fail("cannot connect");
        clients[i].state = CLIENT_JOINED;
    }
}

static void receive(const struct target *target, struct room *room, double seconds)
{
    for (uint64_t end_ns = now_ns() + (uint64_t)(seconds * 1e9); now_ns() < end_ns;) {
        struct epoll_event events[MAX_EVENTS];
        int ready = epoll_wait(target->poll, events, MAX_EVENTS, 0);
        for (int i = 0; i < ready; i++) {
            struct client *client = events[i].data.ptr;
            client_ready(target, client, room_frame, room);
            if (client->state == CLIENT_CLOSED)
                fail("the writing process has ended");
        }
    }
}

void measure_ceiling(const struct options *options)
{
    if (options->frame_bytes < 130) /* the header of a shorter one has another length */
        fail("--frame-bytes must be at least 130");
    struct target target = options->target;
    target.dialect = &prepared;
    target.token_count = 0;
    struct room room;
    struct times latencies = {0};
    room_init(&room, &prepared, options->members, 1, &latencies);
    /* All prepared frames have the same number, so that no member is sampled. Each frame is counted as always. */
    memset(room.samples, 0, options->members * sizeof *room.samples);
    room.sent = UINT64_MAX;

    int listener = listen_on_any_port(&target.port);
    pid_t writer = start_writer(listener, options, room.marker);
    connect_members(&target, options->members);
    receive(&target, &room, options->warm_up_seconds);
    room.deliveries = 0;
    uint64_t started_ns = now_ns();
    receive(&target, &room, options->seconds);
    double seconds = (double)(now_ns() - started_ns) / 1e9;
    kill(writer, SIGKILL);
    waitpid(writer, NULL, 0);
    printf("{\"deliveries_per_second\": %.0f}\n", (double)room.deliveries / seconds);
}
