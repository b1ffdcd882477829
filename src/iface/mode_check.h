/* SPDX-License-Identifier: BSD-3-Clause */
/* Why a device does not carry the program in one mode or the other, in words. */
#ifndef OFFLOAD_IFACE_MODE_CHECK_H
#define OFFLOAD_IFACE_MODE_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netlink/links.h"

/** What decides on modes; when it is as before, so is the answer. */
struct mode_inputs {
	uint32_t ifindex, mtu;
	uint32_t other; /* id of another's XDP program, on it or on the device below its VLANs */
	uint32_t up, vlans, merges;
	uint64_t features;
};

void mode_check_read_inputs(const struct links *links, const struct link *link,
			struct mode_inputs *mode_inputs);

/**
 * Native mode: 0, or -errno with the reason. A device is `trusted` if the operator
 * says native and the kernel does not say whether it sends what it is to relay.
 */
int mode_check_native(const struct link *device, bool trusted, char *why, size_t size);

/**
 * Generic mode: 0, or -errno with the reason. `own` is a device that carries
 * this program now (0: none), so that a program there is none of another.
 */
int mode_check_generic(const struct links *links, const struct link *link, uint32_t own, char *why,
		    size_t size);

/** Whether the kernel cannot say what a device can do (before Linux 6.3). */
bool mode_check_features_unknown(uint32_t ifindex);

/** What an error of attaching to a device means. */
void mode_check_explain(int error, const struct link *device, char *why, size_t size);

#endif
