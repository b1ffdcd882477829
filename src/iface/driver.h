/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is known of drivers from their sources, and that the kernel does not tell: what they refuse, what changes
 * that, whether they send what a program relays, and what attaching costs. Pure. An unknown driver counts as one
 * that refuses nothing and can do all that the kernel says of it.
 */
#ifndef OFFLOAD_IFACE_DRIVER_H
#define OFFLOAD_IFACE_DRIVER_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netlink/device.h"

/* Bytes of a clause with commands, with the 0 at its end. */
#define DRIVER_COMMAND 160

/* What a driver looks at when a program is attached. */
struct driver_facts {
	char driver[DEVICE_DRIVER_SIZE]; /* as ethtool(8) has it */
	char device[IFNAMSIZ];
	uint32_t mtu;      /* of the device; of a veth: that of its other end */
	bool told;         /* the kernel tells XDP features (since Linux 6.3) */
	uint64_t features; /* XDP_FEATURE_*; 0: it does not tell */
	bool frags;        /* kernel and driver take programs for frames of several buffers */
	bool lro;          /* rx-lro is on */
	struct device_channels channels;
};

/**
 * Whether the driver will refuse the program, or take it and lose frames. If so, writes why, and to `command`, of
 * DRIVER_COMMAND bytes, what changes it; else neither is touched.
 */
bool driver_refuses(const struct driver_facts *facts, char *why, size_t size, char *command);

/** Whether it will take the program, and then lose frames, so that it must not be tried. */
bool driver_loses_frames(const struct driver_facts *facts);

/**
 * Whether auto keeps away from the driver's native mode, because it does not last. If so, writes why; else `why` is
 * untouched.
 */
bool driver_is_avoided(const char *driver, char *why, size_t size);

/* What a driver sends of what a program relays. */
enum driver_sends {
	DRIVER_SENDS_UNKNOWN,
	DRIVER_SENDS_BACK, /* what its own program returns (XDP_TX), but nothing that is redirected to it */
	DRIVER_SENDS_ALL,
};

/** Of a kernel that does not tell (before Linux 6.3). `kernel` is its version: KERNEL_VERSION of linux/version.h. */
enum driver_sends driver_sends(const char *driver, uint32_t kernel);

/** Whether it has no XDP in any kernel, so that it need not be tried where the kernel does not tell. */
bool driver_has_no_xdp(const char *driver);

/** Whether it sends what its own program returns with XDP_TX as it should. `kernel` is as in driver_sends. */
bool driver_transmits(const char *driver, uint32_t kernel);

/** Whether it needs a transmit queue of its own for each CPU that redirects to it. `kernel` is as in driver_sends. */
bool driver_wants_queues(const char *driver, uint32_t kernel);

/**
 * Whether it drops what some of the CPUs redirect to it, with so many channels, because it wants more queues. `kernel` is
 * as in driver_sends; `cpus` is the highest number of a CPU, and one.
 */
bool driver_loses_redirects(const char *driver, uint32_t kernel, const struct device_channels *channels, uint32_t cpus);

/**
 * The largest MTU at which the driver gives the program back. Above it, detaching fails, and the program stays in the
 * driver for good. 0: it always does. `told`: the kernel tells XDP features (since Linux 6.3). `taken`: the largest MTU at
 * which it is known to take the program; of a driver that is not known it is the answer.
 */
uint32_t driver_detach_mtu(const char *driver, bool told, uint32_t taken);

/** Whether attaching and detaching reset the card, so that all traffic on it pauses. */
bool driver_resets(const char *driver);

#endif
