/* SPDX-License-Identifier: BSD-3-Clause */
/* All figures of one server, read at one time. */
#ifndef OFFLOAD_XDP_UTILS_SNAPSHOT_H
#define OFFLOAD_XDP_UTILS_SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>

#include "abi.h"
#include "channels.h"
#include "one_sided.h"
#include "server.h"
#include "verdict.h"

struct snapshot {
	struct server server;
	uint64_t taken;                             /* CLOCK_BOOTTIME, ns */
	double started_unix;                        /* when the offload started, in seconds since 1970 */
	struct status status;                       /* what the server says of itself */
	unsigned int threads_alive, threads_silent; /* relay threads */
	bool monitor_silent;                        /* so that all relay threads seem to be silent, too */
	uint64_t verdicts[VERDICT_COUNT];
	unsigned int flows_v4, flows_v6; /* by the family of what comes in */
	unsigned int vlans, vlan_room, devices, device_room;
	unsigned int hops, hops_unresolved; /* next hops that flows lead to; how many of them are not resolved */
	unsigned int channels_used;         /* channels before any were filtered out */
	struct channel_list channels;
	struct one_sided one_sided[DIRECTIONS]; /* of all channels */
	/* Since an earlier snapshot; 0 seconds: there was none. */
	double seconds;
	uint64_t verdicts_gained[VERDICT_COUNT];
};

/**
 * Reads a server's tables. 0, to be freed; -EPROTONOSUPPORT if they are of another
 * ABI_VERSION; -ENOENT if the server has ended; or another -errno.
 */
int snapshot_take(const struct server *server, struct snapshot *snapshot);

/** Frees the channels. */
void snapshot_free(struct snapshot *snapshot);

/** Puts rates into `after`, if `before` is an earlier snapshot of the same server. */
void snapshot_compare(struct snapshot *before, struct snapshot *after);

/**
 * Nanoseconds from a time (CLOCK_BOOTTIME, ns) to the snapshot. 0 if it is later: a
 * channel may be bound while the tables are read.
 */
uint64_t snapshot_age(const struct snapshot *snapshot, uint64_t since);

/**
 * Datagrams of data that the kernel has relayed since the start, as coturn counts them: one that goes from a client to
 * another is sent to a peer, and received from one.
 */
uint64_t snapshot_in_kernel(const struct snapshot *snapshot);

/** Packets of a verdict per second since the earlier snapshot; not a number without one. */
double snapshot_rate(const struct snapshot *snapshot, enum verdict verdict);

#endif
