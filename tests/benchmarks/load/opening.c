#include "opening.h"

#include <sys/epoll.h>

#include "common.h"

void ignore_frame(void *context, struct client *client, const struct frame *frame)
{
    (void)context, (void)client, (void)frame;
}

static void fail_refused(const struct client *client, enum client_state before)
{
    if (client->refused_status)
        fail("the server refused connection %u with HTTP status %d", client->number, client->refused_status);
    if (before == CLIENT_CONNECTING)
        fail("nothing accepts connections at this port");
    fail("the server closed connection %u", client->number);
}

void open_clients(const struct target *target, struct client *clients, unsigned count, unsigned at_once, bool join,
                  frame_handler *handler, void *context)
{
    enum client_state wanted = join ? CLIENT_JOINED : CLIENT_OPEN;
    unsigned started = 0, ready = 0;
    uint64_t last_event_ns = now_ns();
    while (ready < count) {
        for (; started < count && started - ready < at_once; started++)
            client_start(target, &clients[started], started);
        struct epoll_event events[MAX_EVENTS];
        int received = epoll_wait(target->poll, events, MAX_EVENTS, 0);
        if (received > 0)
            last_event_ns = now_ns();
        else if (now_ns() - last_event_ns > target->timeout_ns)
            fail("the server does not answer: %u of %u connections are open", ready, count);
        for (int i = 0; i < received; i++) {
            struct client *client = events[i].data.ptr;
            enum client_state before = client->state;
            client_ready(target, client, handler, context);
            if (client->state == CLIENT_CLOSED)
                fail_refused(client, before);
            if (client->state == CLIENT_OPEN && join)
                client_join(target, client);
            if (before < wanted && client->state >= wanted)
                ready++;
        }
    }
}
