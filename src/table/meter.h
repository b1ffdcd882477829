/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * max-bps, shared between coturn and the kernel. coturn counts what its own
 * sockets carry in a second; the kernel has a meter of what is left of it. The
 * meter is the truth, as both take from it: whenever coturn has counted
 * something, that is taken off the meter, and coturn's counter becomes what
 * both have spent. So what the kernel relayed is refused to coturn by coturn's
 * own check, and the other way round, and neither waits for the other: coturn
 * may accept one packet too many when the kernel has spent since; what a second
 * has had too much, the next one has less.
 */
#ifndef OFFLOAD_TABLE_METER_H
#define OFFLOAD_TABLE_METER_H

#include <stdint.h>

#include "abi.h"

/** A limited session as its relay thread knows it. */
struct meters {
	struct limit *shared; /* with the kernel */
	uint64_t counted[LIMIT_METERS]; /* coturn's counters, as they were last set */
	uint64_t unsent_packets, unsent_bytes; /* as last read */
};

/**
 * A session of `bps` bytes per second (up to INT64_MAX) of which no meter is
 * started yet, in a slot that no flow refers to. Pure, as all here.
 */
void meter_open(struct meters *meters, struct limit *shared, uint64_t bps);

/**
 * Takes what coturn has counted since off the meter. `counter` is coturn's (0 for
 * that of a socket that is gone); what it has to be set to is returned.
 */
uint64_t meter_share(struct meters *meters, enum limit_meter meter, uint64_t counter);

/** Begins a new second, before coturn has counted in it: fills the meter. As meter_share. */
uint64_t meter_begin_second(struct meters *meters, enum limit_meter meter, uint64_t counter);

/** Fills a meter that is not to limit, in place of the above: for a second, it holds what no device sends. */
void meter_lift(struct meters *meters, enum limit_meter meter);

/** What was received from peers and not sent to the client, since it was last asked. */
void meter_unsent(struct meters *meters, uint64_t *packets, uint64_t *bytes);

#endif
