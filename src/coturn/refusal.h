/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Channels that stay in userspace: each is counted, and the log says each reason once, and for each session one reason
 * (session_log.h). On the session's relay thread.
 */
#ifndef OFFLOAD_COTURN_REFUSAL_H
#define OFFLOAD_COTURN_REFUSAL_H

#include "ns_turn_session.h"

#include "offload.h"

/** A channel of the session stays in userspace for this reason. */
void refusal_log(const ts_ur_super_session *ss, enum refusal refusal);

/** A channel of the session stays in userspace because it could not be opened: -errno. */
void refusal_log_failure(const ts_ur_super_session *ss, int error);

#endif
