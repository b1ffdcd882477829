/* SPDX-License-Identifier: BSD-3-Clause */
/* Sessions that max-bps limits and that have channels in the kernel. */
#ifndef OFFLOAD_COTURN_BANDWIDTH_H
#define OFFLOAD_COTURN_BANDWIDTH_H

#include <stdbool.h>
#include <stdint.h>

#include "ns_turn_session.h"

#include "channel/usage.h"

struct limited;

/**
 * What the kernel's channels of a session share, for the first of them. 0 or
 * -errno. On the session's relay thread, as all here.
 */
int hook_limit_open(ts_ur_super_session *ss, ioa_engine_handle engine, struct limited **limited);

/** For one channel more. */
struct limited *hook_limit_hold(struct limited *limited);

/** For one channel less. NULL is fine. */
void hook_limit_release(struct limited *limited);

/** The row of its meters. */
uint32_t hook_limit_row(const struct limited *limited);

/** After a packet that coturn itself has handled: what it spent is known to both. */
void hook_limit_share(struct limited *limited);

/** Adds what was received and dropped since the last time. */
void hook_limit_count(struct limited *limited, struct usage_sum *sum);

#endif
