/* Open many connections. */
#ifndef OPENING_H
#define OPENING_H

#include "client.h"

/* Sockets per call of epoll: after each call the clock and the sends in flight are checked. */
#define MAX_EVENTS 64

/* The frame_handler that does nothing. */
void ignore_frame(void *context, struct client *client, const struct frame *frame);

/* Open `count` clients, `at_once` at a time, and let them join if `join`. Exit if one is refused.
 *
 * This, like every loop of the generator that measures, polls and never sleeps: waking a sleeping receiver costs the
 * *sender* about as much as the write itself, a cost that exists only because both are on one machine. */
void open_clients(const struct target *target, struct client *clients, unsigned count, unsigned at_once, bool join,
                  frame_handler *handler, void *context);

#endif
