/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * When all interfaces have to use one mode. An interface that can only be generic may take
 * no frames from drivers; then channels between it and interfaces in native mode would be
 * relayed in userspace. So all interfaces that can use generic mode do. One thread.
 */
#ifndef OFFLOAD_IFACE_ONE_MODE_H
#define OFFLOAD_IFACE_ONE_MODE_H

#include <stdbool.h>
#include <stdint.h>

#include "iface/interfaces.h"

/**
 * Whether there is such an interface, other than `except` (NULL: any), whose mode was chosen
 * at least `age_ns` nanoseconds ago.
 */
bool one_mode_is_needed(const struct interfaces *interfaces, const struct interface *except, uint64_t age_ns);

/** Changes all interfaces in native mode that can use generic mode. */
void one_mode_apply(struct interfaces *interfaces, const struct links *links);

#endif
