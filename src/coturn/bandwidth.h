/* SPDX-License-Identifier: BSD-3-Clause */
/* Sessions that max-bps limits and that have channels in the kernel. */
#ifndef OFFLOAD_COTURN_BANDWIDTH_H
#define OFFLOAD_COTURN_BANDWIDTH_H

#include <stdbool.h>
#include <stdint.h>

#include "ns_turn_session.h"

#include "offload.h"

struct bandwidth;

/**
 * What the kernel's channels of a session share, for the first of them. 0 or
 * -errno. On the session's relay thread, as all here.
 */
int bandwidth_open(ts_ur_super_session *ss, ioa_engine_handle engine, struct bandwidth **limited);

/** For one channel more. */
struct bandwidth *bandwidth_hold(struct bandwidth *limited);

/** For one channel less. NULL is fine. */
void bandwidth_release(struct bandwidth *limited);

/** The slot of its meters. */
uint32_t bandwidth_slot(const struct bandwidth *limited);

/** After a packet that coturn itself has handled: what it spent is known to both. */
void bandwidth_share(struct bandwidth *limited);

/** Adds what was received and dropped since the last time. */
void bandwidth_count(struct bandwidth *limited, struct usage_sum *sum);

#endif
