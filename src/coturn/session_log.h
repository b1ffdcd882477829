/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * With coturn's option verbose: one line for each session about its first channel in the kernel, and one about its
 * first channel that stays in userspace. All functions are for the session's relay thread.
 */
#ifndef OFFLOAD_COTURN_SESSION_LOG_H
#define OFFLOAD_COTURN_SESSION_LOG_H

#include "ns_turn_session.h"

/** A channel of the session is in the kernel. */
void session_log_kernel(const ts_ur_super_session *ss);

/** A channel of the session stays in userspace, because `why`. */
void session_log_userspace(const ts_ur_super_session *ss, const char *why);

/** The session ends: forgets what was logged of it. */
void session_log_forget(const ts_ur_super_session *ss);

#endif
