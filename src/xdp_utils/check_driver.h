/* SPDX-License-Identifier: BSD-3-Clause */
/* What is known of drivers that refuse native mode though they have it, before anything is attached. Pure. */
#ifndef OFFLOAD_XDP_UTILS_CHECK_DRIVER_H
#define OFFLOAD_XDP_UTILS_CHECK_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** What a driver looks at when a program is attached. */
struct check_driver {
	const char *name;   /* as ethtool(8) has it */
	const char *device; /* the interface */
	uint32_t mtu;       /* of the interface; of a veth: that of its other end */
	bool frags;         /* kernel and driver take programs for frames of several buffers */
	unsigned int queues, queues_max;
};

/**
 * Whether the driver will refuse the program. If so, writes why and the command that changes it; else neither is
 * touched. A driver that is not known here counts as one that does not refuse.
 */
bool check_driver_refuses(const struct check_driver *driver, char *why, size_t size, char *command,
			  size_t command_size);

#endif
