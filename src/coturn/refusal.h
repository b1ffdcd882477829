/* SPDX-License-Identifier: BSD-3-Clause */
/* Channels that stay in userspace: each is counted, and the log says each reason once. Any thread. */
#ifndef OFFLOAD_COTURN_REFUSAL_H
#define OFFLOAD_COTURN_REFUSAL_H

#include "offload.h"

/** A channel stays in userspace for this reason. */
void refusal_log(enum refusal refusal);

/** A channel stays in userspace because it could not be opened: -errno. */
void refusal_log_failure(int error);

#endif
