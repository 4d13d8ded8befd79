#define _GNU_SOURCE
#include "client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common.h"

/* What one recv() takes at most. It fits into the L2 cache, so that parsing does not wait for memory. */
#define READ_BYTES (128 * 1024)
#define MAX_REST_BYTES (128 * 1024)
#define MAX_REQUEST_BYTES 4096
#define MAX_COMMAND_BYTES (64 * 1024)

static uint8_t buffer[MAX_REST_BYTES + READ_BYTES];

bool frame_starts_with(const struct frame *frame, const char *text)
{
    size_t size = strlen(text);
    return frame->size >= size && memcmp(frame->payload, text, size) == 0;
}

void client_close(struct client *client)
{
    if (client->state == CLIENT_CLOSED)
        return;
    close(client->fd);
    free(client->rest);
    client->rest = NULL;
    client->rest_size = 0;
    client->state = CLIENT_CLOSED;
}

void client_start(const struct target *target, struct client *client, unsigned number)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)target->port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int one = 1;
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (client->fd < 0)
        fail("socket: %s", strerror(errno));
    setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    client->number = number;
    client->state = CLIENT_CONNECTING;
    client->refused_status = 0;
    client->retry_after_seconds = 0;
    client->started_ns = now_ns();
    if (connect(client->fd, (struct sockaddr *)&address, sizeof address) < 0 && errno != EINPROGRESS) {
        client_close(client);
        return;
    }
    struct epoll_event event = {.events = EPOLLOUT, .data.ptr = client};
    epoll_ctl(target->poll, EPOLL_CTL_ADD, client->fd, &event);
}

static void send_bytes(struct client *client, const void *bytes, size_t size)
{
    ssize_t sent = send(client->fd, bytes, size, MSG_NOSIGNAL);
    /* A reset connection is found by the next read. */
    if (sent >= 0 ? (size_t)sent != size : errno == EAGAIN)
        fail("the server does not read: the send buffer of client %u is full", client->number);
}

void client_send(const struct target *target, struct client *client, const void *payload, size_t size)
{
    static uint8_t frame[MAX_COMMAND_BYTES + MAX_FRAME_OVERHEAD];
    if (size > MAX_COMMAND_BYTES)
        fail("a command of %zu bytes is too long", size);
    send_bytes(client, frame, target->dialect->encode(frame, FRAME_TEXT, payload, size));
}

void client_join(const struct target *target, struct client *client)
{
    const struct dialect *dialect = target->dialect;
    const char *join = client->join ? client->join : dialect->join;
    client->state = join ? CLIENT_JOINING : CLIENT_JOINED;
    if (join && dialect->path)
        client_send(target, client, join, strlen(join));
    else if (join)
        send_bytes(client, join, strlen(join));
}

static void opened(struct client *client)
{
    client->state = CLIENT_OPEN;
    client->opened_ns = now_ns();
}

static void connected(const struct target *target, struct client *client)
{
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(client->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error) {
        client_close(client);
        return;
    }
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};
    epoll_ctl(target->poll, EPOLL_CTL_MOD, client->fd, &event);
    client->state = CLIENT_GREETING;
    if (target->dialect->path == NULL)
        return;
    char request[MAX_REQUEST_BYTES];
    const char *token = target->token_count ? target->tokens[client->number % target->token_count] : NULL;
    size = (socklen_t)dialect_request(target->dialect, request, sizeof request, client->number, target->port, token);
    send_bytes(client, request, size);
    client->state = CLIENT_UPGRADING;
}

/* Read the HTTP response. Return its bytes, or 0 if it is incomplete or a refusal. */
static size_t upgraded(const struct target *target, struct client *client, uint8_t *data, size_t size)
{
    uint8_t *end = memmem(data, size, "\r\n\r\n", 4);
    if (end == NULL)
        return 0;
    *end = '\0';
    const char *response = (const char *)data;
    if (strncmp(response, "HTTP/1.1 101 ", 13) != 0) {
        const char *retry_after = strcasestr(response, "\r\nretry-after:");
        int status = atoi(response + 9);
        client_close(client);
        client->refused_status = status;
        client->retry_after_seconds = retry_after ? atoi(retry_after + 14) : 0;
        return 0;
    }
    if (target->dialect->greeting)
        client->state = CLIENT_GREETING;
    else
        opened(client);
    return (size_t)(end - data) + 4;
}

static void answer_ping(const struct target *target, struct client *client, const struct frame *ping)
{
    uint8_t pong[MAX_FRAME_OVERHEAD + 125]; /* RFC 6455 §5.5: a control frame has at most 125 bytes of payload */
    if (ping->size <= 125)
        send_bytes(client, pong, target->dialect->encode(pong, FRAME_PONG, ping->payload, ping->size));
}

static void take_frame(const struct target *target, struct client *client, const struct frame *frame,
                       frame_handler *handler, void *context)
{
    if (frame->kind == FRAME_PING) {
        answer_ping(target, client, frame);
        return;
    }
    if (frame->kind == FRAME_CLOSE) {
        client_close(client);
        return;
    }
    if (client->state == CLIENT_GREETING && frame_starts_with(frame, target->dialect->greeting))
        opened(client);
    else if (client->state == CLIENT_JOINING && frame_starts_with(frame, target->dialect->joined))
        client->state = CLIENT_JOINED;
    handler(context, client, frame);
}

/* Keep the beginning of a frame until its end arrives. */
static void keep_rest(struct client *client, const uint8_t *rest, size_t size)
{
    if (size > MAX_REST_BYTES)
        fail("a frame or response of more than %d bytes", MAX_REST_BYTES);
    if (size > client->rest_size || size == 0) {
        free(client->rest);
        client->rest = size ? allocate(size, 1) : NULL;
    }
    if (size)
        memcpy(client->rest, rest, size);
    client->rest_size = size;
}

void client_ready(const struct target *target, struct client *client, frame_handler *handler, void *context)
{
    if (client->state == CLIENT_CONNECTING) {
        connected(target, client);
        return;
    }
    size_t size = client->rest_size, used;
    if (size)
        memcpy(buffer, client->rest, size);
    ssize_t received = recv(client->fd, buffer + size, READ_BYTES, 0);
    if (received < 0 && errno == EAGAIN)
        return;
    if (received <= 0) {
        client_close(client);
        return;
    }
    uint8_t *start = buffer, *end = buffer + size + received;
    if (client->state == CLIENT_UPGRADING)
        start += upgraded(target, client, start, (size_t)(end - start));
    struct frame frame;
    while (client->state > CLIENT_UPGRADING && start < end &&
           (used = target->dialect->parse(start, (size_t)(end - start), &frame))) {
        take_frame(target, client, &frame, handler, context);
        start += used;
    }
    if (client->state != CLIENT_CLOSED)
        keep_rest(client, start, (size_t)(end - start));
}
