#include "dialects.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common.h"

static size_t send_text(char *out, const char *room, const char *text, uint64_t number)
{
    (void)room;
    (void)number;
    size_t size = strlen(text);
    memcpy(out, text, size);
    return size;
}

/* The cid must be a UUID that the server has not seen: clock and process make it unique. */
static size_t send_cloudchat(char *out, const char *room, const char *text, uint64_t number)
{
    static uint64_t run;
    if (run == 0)
        run = now_ns() ^ (uint64_t)getpid() << 40;
    return (size_t)sprintf(out,
                           "{\"type\":\"send\",\"room\":\"%s\",\"cid\":\"%08x-%04x-4000-8000-%012llx\","
                           "\"text\":\"%s\"}",
                           room ? room : "lobby", (unsigned)(run >> 16), (unsigned)(run & 0xffff),
                           (unsigned long long)number, text);
}

static size_t join_cloudchat_room(char *out, const char *room)
{
    return (size_t)sprintf(out, "{\"type\":\"join\",\"id\":\"join\",\"room\":\"%s\",\"limit\":1}", room);
}

static size_t send_socketio(char *out, const char *room, const char *text, uint64_t number)
{
    (void)number;
    if (room)
        return (size_t)sprintf(out, "42[\"m\",\"%s\",\"%s\"]", room, text);
    return (size_t)sprintf(out, "42[\"m\",\"%s\"]", text);
}

/* The room is in the payload of CONNECT, which Socket.IO calls `auth`. */
static size_t join_socketio_room(char *out, const char *room)
{
    return (size_t)sprintf(out, "40{\"room\":\"%s\"}", room);
}

static const struct dialect dialects[] = {
    {
        .name = "cloudchat",
        .servers = "cloudchat serve (needs --tokens)",
        .path = "/ws?member=",
        .protocol = "cloudchat.v1",
        .greeting = "{\"type\":\"welcome\"",
        .join = "{\"type\":\"join\",\"id\":\"join\",\"room\":\"lobby\",\"limit\":1}",
        .joined = "{\"type\":\"joined\"",
        .error = "{\"type\":\"error\"",
        .seq_key = "\"seq\":",
        .parse = websocket_parse,
        .encode = websocket_encode,
        .join_room = join_cloudchat_room,
        .send = send_cloudchat,
    },
    {
        .name = "websocket",
        .servers = "every server that broadcasts each text: bare_loop.c, plain FastAPI, uWebSockets, Node ws",
        .path = "/ws/",
        .numbered_rooms = true,
        .parse = websocket_parse,
        .encode = websocket_encode,
        .send = send_text,
    },
    {
        /* Engine.IO 4: `0` opens, `2` and `3` are ping and pong, `4` is a message; `0` and `2` in it are connect and
         * event. */
        .name = "socketio",
        .servers = "Socket.IO that broadcasts the event \"m\", to all or to the room that it names first",
        .path = "/socket.io/?EIO=4&transport=websocket&n=",
        .greeting = "0{",
        .join = "40",
        .joined = "40{",
        .error = "44",
        .parse = websocket_parse,
        .encode = websocket_encode,
        .join_room = join_socketio_room,
        .send = send_socketio,
    },
    {
        .name = "nats",
        .servers = "nats-server",
        .greeting = "INFO ",
        .join = "CONNECT {\"verbose\":false,\"pedantic\":false}\r\nSUB bench 1\r\nPING\r\n",
        .joined = "PONG",
        .parse = nats_parse,
        .encode = nats_encode,
        .send = send_text,
    },
};

#define DIALECTS (sizeof dialects / sizeof *dialects)

const struct dialect *dialect_named(const char *name)
{
    for (size_t i = 0; i < DIALECTS; i++)
        if (strcmp(dialects[i].name, name) == 0)
            return &dialects[i];
    fail("no dialect `%s`; see load --help", name);
}

void dialects_print(void)
{
    for (size_t i = 0; i < DIALECTS; i++)
        printf("  %-12s %s\n", dialects[i].name, dialects[i].servers);
}

size_t dialect_request(const struct dialect *dialect, char *out, size_t room, unsigned number, int port,
                       const char *token)
{
    if (dialect->path == NULL)
        return 0;
    /* Five digits for each connection, so that a server that repeats them sends frames of one length. */
    int size = snprintf(out, room,
                        "GET %s%u HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n%s%s%s%s%s%s\r\n",
                        dialect->path, 10000 + number, port, dialect->protocol ? "Sec-WebSocket-Protocol: " : "",
                        dialect->protocol ? dialect->protocol : "", dialect->protocol ? "\r\n" : "",
                        token ? "Authorization: Bearer " : "", token ? token : "", token ? "\r\n" : "");
    if (size < 0 || (size_t)size >= room)
        fail("the token is too long");
    return (size_t)size;
}
