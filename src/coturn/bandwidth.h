/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * max-bps of the sessions that have channels in the kernel: keeps coturn's counters and the XDP
 * program's meters (table/meter.h) in step. All functions are for the session's relay thread.
 */
#ifndef OFFLOAD_COTURN_BANDWIDTH_H
#define OFFLOAD_COTURN_BANDWIDTH_H

#include <stdbool.h>
#include <stdint.h>

#include "ns_turn_session.h"

#include "offload.h"

/** A limited session: its meters, which its channels in the kernel share. */
struct bandwidth;

/**
 * Makes the bandwidth of a session with a number (share_session), for the first of its channels. Returns 0; -ENOTSUP
 * if coturn's engine has no timer that begins its seconds; or -ENOMEM.
 */
int bandwidth_open(ts_ur_super_session *ss, ioa_engine_handle engine, uint32_t number, struct bandwidth **bandwidth);

/** Takes a reference for one more channel, and returns `bandwidth`. */
struct bandwidth *bandwidth_hold(struct bandwidth *bandwidth);

/**
 * Gives the reference of a channel back, before the share gives back the session's number. The last one frees the
 * bandwidth. NULL is allowed.
 */
void bandwidth_release(struct bandwidth *bandwidth);

/** Updates counters and meters after coturn itself has handled a packet of the session. */
void bandwidth_share(struct bandwidth *bandwidth);

/**
 * Adds the packets that were received from peers and dropped by the limit since the last call to `sum`:
 * coturn counts those as received.
 */
void bandwidth_count(struct bandwidth *bandwidth, struct usage_sum *sum);

#endif
