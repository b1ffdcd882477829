/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How many of the kernel's channels one session may have, so that a session that binds very many does not
 * fill the tables for all others.
 */
#ifndef OFFLOAD_COTURN_SHARE_H
#define OFFLOAD_COTURN_SHARE_H

#include <stdint.h>

#include "abi.h"

/* So many channels every session may have, as long as there is room at all. */
#define SHARE_ALWAYS 16

/** The channels of one session that are in the kernel. A session is on one thread. */
struct share;

/** Says how many channels the tables have room for. Before other threads are made. */
void share_start(unsigned int channels);

/**
 * Takes the place of one more channel of a session. *share is that of the session's other channels, or NULL if it
 * has none in the kernel; then it gets a new one. Returns 0; -EDQUOT if the session has its share, which is
 * SHARE_ALWAYS, or as many channels as there is room left for; or -ENOMEM. After an error nothing was changed. Any thread.
 */
int share_take(struct share **share);

/**
 * Gives a new share the number that its session has until the share is freed, and tells inspectors of the session.
 * Returns 0 or -ENOSPC. Any thread.
 */
int share_name(struct share *share, const struct session_entry *session);

/** Returns the session's number. */
uint32_t share_session(const struct share *share);

/** Gives the place of a channel back. The last one of a session frees the share. NULL is allowed. Any thread. */
void share_give(struct share *share);

#endif
