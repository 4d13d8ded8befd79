/* The bare broadcast server: what rooms cost if a server does nothing but broadcast.
 *
 * One thread with epoll. Each text that arrives is sent to every connection of the room. There are no accounts, no store,
 * no limits and no pings. It gathers: what arrived for a room in one call of epoll goes to each member in one write.
 *
 * All connections are one room. With MEMBERS, the number at the end of the path says which one: the first MEMBERS numbers
 * are a room, and so on. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../load/frames.h"

#define MAX_EVENTS 512
#define READ_BYTES 65536
#define FIRST_NUMBER 10000 /* of the load generator */
#define MAX_ROOMS 4096

/* The response to the one key that the load generator sends (RFC 6455 §4.2.2). */
static const char upgrade[] = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                              "Sec-WebSocket-Accept: ICX+Yqv66kxgM0FcWaLWlFLwTAI=\r\n\r\n";

struct room {
    struct member **members;
    size_t member_count, member_room;
    uint8_t *batch; /* frames for all members */
    size_t batch_size, batch_room;
};

struct member {
    int fd;
    struct room *room;  /* NULL until it has upgraded */
    size_t index;       /* in the room */
    uint8_t *input;     /* an incomplete request or frame */
    size_t input_size;
    uint8_t *unsent;    /* what its socket did not take */
    size_t unsent_size, unsent_room;
};

static struct room rooms[MAX_ROOMS];
static struct room *batched[MAX_ROOMS]; /* the rooms with a batch */
static size_t batched_count;
static unsigned room_members; /* 0: all connections are one room */
static int poll_fd;

static void *grown(void *memory, size_t size)
{
    memory = realloc(memory, size);
    if (memory == NULL)
        abort();
    return memory;
}

static void watch(struct member *member, int operation)
{
    struct epoll_event event = {.events = EPOLLIN | (member->unsent_size ? EPOLLOUT : 0), .data.ptr = member};
    epoll_ctl(poll_fd, operation, member->fd, &event);
}

static void add_member(int fd)
{
    int one = 1;
    struct member *member = calloc(1, sizeof *member);
    if (member == NULL)
        abort();
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    member->fd = fd;
    watch(member, EPOLL_CTL_ADD);
}

static void join_room(struct member *member, const uint8_t *path)
{
    unsigned number = 0;
    for (; *path != ' '; path++)
        number = *path >= '0' && *path <= '9' ? 10 * number + (*path - '0') : 0;
    struct room *room = &rooms[room_members ? (number - FIRST_NUMBER) / room_members % MAX_ROOMS : 0];
    if (room->member_count == room->member_room)
        room->members = grown(room->members, (room->member_room = 2 * room->member_room + 16) * sizeof *room->members);
    member->index = room->member_count;
    room->members[room->member_count++] = member;
    member->room = room;
}

static void remove_member(struct member *member)
{
    struct room *room = member->room;
    if (room) {
        room->members[member->index] = room->members[--room->member_count];
        room->members[member->index]->index = member->index;
    }
    close(member->fd);
    free(member->input);
    free(member->unsent);
    free(member);
}

static void keep_unsent(struct member *member, const uint8_t *bytes, size_t size)
{
    if (member->unsent_size + size > member->unsent_room)
        member->unsent = grown(member->unsent, member->unsent_room = 2 * (member->unsent_size + size));
    memcpy(member->unsent + member->unsent_size, bytes, size);
    member->unsent_size += size;
}

static void send_to(struct member *member, const uint8_t *bytes, size_t size)
{
    ssize_t sent = 0;
    if (member->unsent_size == 0)
        sent = send(member->fd, bytes, size, MSG_NOSIGNAL);
    if (sent < 0)
        sent = errno == EAGAIN ? 0 : (ssize_t)size; /* the next read finds a broken connection */
    if ((size_t)sent == size)
        return;
    keep_unsent(member, bytes + sent, size - (size_t)sent);
    watch(member, EPOLL_CTL_MOD);
}

static void send_unsent(struct member *member)
{
    ssize_t sent = send(member->fd, member->unsent, member->unsent_size, MSG_NOSIGNAL);
    if (sent <= 0)
        return;
    member->unsent_size -= (size_t)sent;
    memmove(member->unsent, member->unsent + sent, member->unsent_size);
    if (member->unsent_size == 0)
        watch(member, EPOLL_CTL_MOD);
}

static void add_frame(struct room *room, const struct frame *frame)
{
    if (room->batch_size + frame->size + 16 > room->batch_room)
        room->batch = grown(room->batch, room->batch_room = 2 * (room->batch_size + frame->size + 16));
    if (room->batch_size == 0)
        batched[batched_count++] = room;
    room->batch_size += websocket_server_header(room->batch + room->batch_size, frame->size);
    memcpy(room->batch + room->batch_size, frame->payload, frame->size);
    room->batch_size += frame->size;
}

/* Take one request or frame from the input; return its bytes, or 0 if it is incomplete. */
static size_t take(struct member *member, uint8_t *data, size_t size, bool *closed)
{
    if (member->room == NULL) {
        uint8_t *end = memmem(data, size, "\r\n\r\n", 4);
        if (end == NULL)
            return 0;
        join_room(member, data + sizeof "GET " - 1);
        send_to(member, (const uint8_t *)upgrade, sizeof upgrade - 1);
        return (size_t)(end - data) + 4;
    }
    struct frame frame;
    size_t used = websocket_parse(data, size, &frame);
    if (used && frame.kind == FRAME_CLOSE)
        *closed = true;
    if (used && frame.kind == FRAME_TEXT)
        add_frame(member->room, &frame);
    return used;
}

static void read_from(struct member *member)
{
    static uint8_t input[2 * READ_BYTES];
    size_t size = member->input_size, used;
    bool closed = false;
    if (size)
        memcpy(input, member->input, size);
    ssize_t received = recv(member->fd, input + size, READ_BYTES, 0);
    if (received < 0 && errno == EAGAIN)
        return;
    if (received <= 0) {
        remove_member(member);
        return;
    }
    size += (size_t)received;
    uint8_t *start = input;
    while (size && !closed && (used = take(member, start, size, &closed))) {
        start += used;
        size -= used;
    }
    if (closed || size > READ_BYTES) {
        remove_member(member);
        return;
    }
    if (size) {
        member->input = grown(member->input, READ_BYTES);
        memcpy(member->input, start, size);
    }
    member->input_size = size;
}

static int listen_on(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 4096) < 0) {
        perror("bare_loop");
        exit(1);
    }
    return fd;
}

int main(int count, char **arguments)
{
    if (count != 2 && count != 3) {
        fprintf(stderr, "usage: bare_loop [MEMBERS] PORT\n");
        return 2;
    }
    if (count == 3)
        room_members = (unsigned)atoi(arguments[1]);
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    int listener = listen_on(atoi(arguments[count - 1]));
    poll_fd = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(poll_fd, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        struct epoll_event events[MAX_EVENTS];
        int ready = epoll_wait(poll_fd, events, MAX_EVENTS, -1), fd;
        for (int i = 0; i < ready; i++) {
            struct member *member = events[i].data.ptr;
            if (member == NULL) {
                while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0)
                    add_member(fd);
                continue;
            }
            if (events[i].events & EPOLLOUT)
                send_unsent(member);
            if (events[i].events & ~(uint32_t)EPOLLOUT)
                read_from(member);
        }
        for (; batched_count; batched_count--) {
            struct room *room = batched[batched_count - 1];
            for (size_t i = 0; i < room->member_count; i++)
                send_to(room->members[i], room->batch, room->batch_size);
            room->batch_size = 0;
        }
    }
}
