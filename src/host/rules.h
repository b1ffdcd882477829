/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Routing rules (ip-rule(8)) that look at more than the kernel is asked by when the next hop of a
 * channel is looked up, which is addresses and the protocol. For one thread.
 */
#ifndef OFFLOAD_HOST_RULES_H
#define OFFLOAD_HOST_RULES_H

#include "host/notes.h"

/** Adds a note for each such rule. 0, also if the kernel has no rules, or -errno. */
int rules_note(struct notes *notes);

#endif
