/* SPDX-License-Identifier: BSD-3-Clause */
/* Channels of which the kernel relays one direction only, or none, and why. Pure. */
#ifndef OFFLOAD_XDP_UTILS_ONE_SIDED_H
#define OFFLOAD_XDP_UTILS_ONE_SIDED_H

#include <stdint.h>

#include "abi.h"
#include "channels.h"

/* What is amiss with one direction: channels that have relayed no packet in it. */
struct one_sided {
	unsigned int no_program; /* their packets should come in by an interface that does not carry the program */
	uint32_t ifindex;        /* of that interface, for the first such channel; 0: there is none */
	unsigned int none;       /* others, while the kernel has relayed many packets of the other direction */
};

/**
 * Counts the channels that are amiss, for each direction. Young ones do not count. `taken` is when
 * the list was read: CLOCK_BOOTTIME, ns.
 */
void one_sided_count(const struct channel_list *channels, const struct status *status, uint64_t taken,
		     struct one_sided amiss[DIRECTIONS]);

#endif
