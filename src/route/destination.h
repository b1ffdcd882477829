/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The destinations of next hops: each entry of the table of next hops leads from one
 * of our addresses to a client's or peer's address, and this says which, who uses it, which entries are
 * free, and which are to be updated first. Only nexthop.c uses it, under its lock; the
 * function that does not need the lock says so.
 */
#ifndef OFFLOAD_ROUTE_DESTINATION_H
#define OFFLOAD_ROUTE_DESTINATION_H

#include <stdbool.h>
#include <stdint.h>

#include "route/hop_path.h"

struct destination {
	struct hop_path path;
	bool routed;   /* there is a route: `hop` is right but for the neighbour's MAC */
	bool resolved; /* the entry of the table leads somewhere, and holds `hop` */
	bool leaves;   /* it is known not to be this host; read without the lock (atomic) */
	bool led;      /* it was known since the entry was taken where packets go: by `led_ifindex`, or to this host itself */
	bool led_local;
	uint32_t led_ifindex; /* 0: to this host, or by a device that was not known */
	bool queued;          /* it waits in the queue of those that are updated first */
	uint32_t users;       /* 0: the entry is free */
	uint32_t next;        /* in its bucket (0: the last), or in the queue of free entries; from 1 */
	uint32_t next_queued; /* in the queue of those that are updated first, from 1; 0: the last */
	struct hop hop;
};

/** Makes room for `entries` destinations. 0 or -ENOMEM. Before other threads use it. */
int destination_start(uint32_t entries);

/** Forgets all destinations. Does nothing if not started. After other threads have used it. */
void destination_stop(void);

/** The destination of an entry, which may be free. */
struct destination *destination_at(uint32_t entry);

/** How many entries were ever used: all from entry 0 on. Any thread, without the lock too. */
uint32_t destination_used(void);

/** Whether a destination is the one of this path. */
bool destination_is(const struct destination *destination, const struct hop_path *path);

/**
 * Adds a user to the entry with this destination, and takes a free entry for it if
 * there is none: then `created` is set and the entry is queued to be updated. 0, or -ENOSPC
 * with `entry` untouched.
 */
int destination_acquire(const struct hop_path *path, uint32_t *entry, bool *created);

/** Takes a user from an entry. True if it was the last one, so that the entry is free now. */
bool destination_release(uint32_t entry);

/** Queues an entry to be updated before all others. Does nothing if it is queued already. */
void destination_queue(uint32_t entry);

/** Takes the first entry out of that queue. False if the queue is empty. */
bool destination_unqueue(uint32_t *entry);

#endif
