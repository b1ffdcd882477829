/* SPDX-License-Identifier: BSD-3-Clause */
/* All figures of one server at one time. */
#ifndef OFFLOAD_XDP_UTILS_SNAPSHOT_H
#define OFFLOAD_XDP_UTILS_SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>

#include "channels.h"
#include "server.h"
#include "verdict.h"

struct snapshot {
	struct server server;
	uint64_t taken;     /* CLOCK_BOOTTIME, ns */
	struct status state; /* the server's word */
	unsigned int relays_alive, relays_silent;
	uint64_t verdicts[VERDICT_COUNT];
	unsigned int flows, flows6, vlans, devices;
	unsigned int vlan_room, device_room;
	unsigned int hops, hops_unresolved;             /* that flows lead by */
	unsigned int bound;             /* channels, whichever are shown */
	struct channel_list channels;
	/* Since an earlier look; 0 seconds: there was none. */
	double seconds;
	uint64_t verdicts_gained[VERDICT_COUNT];
};

/**
 * Reads a server's tables. 0, to be freed; -EPROTONOSUPPORT if it is of another
 * version; -ENOENT if it has ended; or another -errno.
 */
int snapshot_take(const struct server *server, struct snapshot *snapshot);

void snapshot_free(struct snapshot *snapshot);

/** Puts rates into the later one of two of the same server. */
void snapshot_compare(struct snapshot *before, struct snapshot *after);

#endif
