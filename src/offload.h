/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The offload as a whole. With channel.h this is what the hooks call; null.c
 * has the same functions for a build without XDP.
 */
#ifndef OFFLOAD_OFFLOAD_H
#define OFFLOAD_OFFLOAD_H

#include <stdint.h>

#include "channel/eligibility.h"
#include "base/option.h"

/* A relay thread's flows end when it has not been heard of for so long. */
#define OFFLOAD_SILENCE_SECONDS 5

/**
 * Loads, attaches and starts; after the daemon's fork, before relay threads run
 * and privileges are dropped. `addresses` are the server's, in text. 0, or
 * -errno when nothing was started; the log has said why.
 */
int offload_start(const struct settings *settings, const char *const *addresses, unsigned int count,
		  int client_ttl_fixed);

/** The server has taken on its user: threads of the offload give up what they no longer need. */
void offload_privileges_dropped(void);

/** A relay thread is alive; to be called every second. */
void offload_beat(uint16_t owner);

/** For onlookers: a channel that stays in userspace, by channel_check's word. Any thread. */
void offload_count_refusal(enum channel_refusal refusal);

/** Or by channel_open's: -errno. Any thread. */
void offload_count_failure(int error);

#endif
