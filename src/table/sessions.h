/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The numbers of the sessions that have channels in the kernel. A session's number is the key of its entry in the
 * table of sessions, and the index of its slot in the table of limits is the number less 1.
 */
#ifndef OFFLOAD_TABLE_SESSIONS_H
#define OFFLOAD_TABLE_SESSIONS_H

#include <stdint.h>

#include "abi.h"

/** Makes the numbers from 1 to `numbers` free. Returns 0 or -ENOMEM. After maps_open, before other threads are made. */
int sessions_open(uint32_t numbers);

/** Frees what sessions_open has allocated. No session may hold a number any more. */
void sessions_close(void);

/**
 * Takes the number that has been free for longest, and tells inspectors whose it is, if the kernel permits it to this
 * thread (maps_want_bpf). Returns 0 or -ENOSPC. Any thread.
 */
int sessions_take(const struct session_entry *session, uint32_t *number);

/** Gives a number back, to which no flow refers any more; 0 is allowed. Any thread. */
void sessions_give(uint32_t number);

/**
 * Returns the slot of the limits of a session with a number, in memory that is shared with the XDP program. The memory
 * still has what the number's last session left. Any thread.
 */
struct limit *sessions_limit(uint32_t number);

#endif
