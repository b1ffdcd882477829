/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * max-bps, which coturn and the XDP program apply together. coturn counts the bytes that each of
 * its sockets has carried in the current second, and drops a packet that would exceed
 * max-bps (ioa_socket_check_bandwidth in ns_ioalib_engine_impl.c). The XDP program counts
 * down a meter in shared memory (struct limit of abi.h), which holds the bytes that are left of
 * the second.
 *
 * The meter is the authority, because both sides take from it. When coturn has counted bytes,
 * they are subtracted from the meter, and coturn's counter is set to the sum of what both
 * sides have spent. So coturn's own check also counts what the XDP program has used up, and
 * the XDP program counts what coturn has used up. Neither side waits for the other: coturn may accept one packet too
 * many if the XDP program has spent bytes since the last update. What one second had too
 * much is subtracted from the next.
 *
 * A session's meters are used by its relay thread only; the XDP program changes `left` and the
 * counters of dropped packets at the same time.
 */
#ifndef OFFLOAD_TABLE_METER_H
#define OFFLOAD_TABLE_METER_H

#include <stdint.h>

#include "abi.h"

/** The meters of a limited session, as its relay thread sees them. */
struct meters {
	struct limit *shared;                  /* with the XDP program */
	uint64_t counted[LIMIT_METERS];        /* coturn's counters in bytes, as they were set last */
	uint32_t unsent_packets, unsent_bytes; /* what meter_unsent has read last */
};

/**
 * Prepares the meters of a session that max-bps limits to `bps` bytes per second; more than
 * INT32_MAX counts as INT32_MAX, which is 17 Gbit/s. `shared` is its slot of the limits, to which no flow refers
 * yet. All meters are full.
 */
void meter_open(struct meters *meters, struct limit *shared, uint64_t bps);

/**
 * Subtracts from a meter what coturn has counted since the last call. `counter` is coturn's
 * counter in bytes, 0 if its socket is gone. Returns the value that coturn's counter must be set
 * to.
 */
uint64_t meter_share(struct meters *meters, enum limit_meter meter, uint64_t counter);

/**
 * Fills a meter for a new second, less what the last second had too much. Parameters and return
 * value are as for meter_share. To be called before coturn counts in the new second.
 */
uint64_t meter_begin_second(struct meters *meters, enum limit_meter meter, uint64_t counter);

/**
 * Replaces the two functions above for a meter that must not limit: fills it with
 * INT32_MAX bytes. To be called every second.
 */
void meter_lift(struct meters *meters, enum limit_meter meter);

/**
 * Returns how many packets and bytes the XDP program has received from peers and then not sent to
 * the client, since the last call: coturn counts such packets as received. To be called before either has grown by 2^32.
 */
void meter_unsent(struct meters *meters, uint64_t *packets, uint64_t *bytes);

#endif
