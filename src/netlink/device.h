/* SPDX-License-Identifier: BSD-3-Clause */
/* What network devices can do: with XDP, as the kernel tells since Linux 6.3, and by ethtool. */
#ifndef OFFLOAD_NETLINK_DEVICE_H
#define OFFLOAD_NETLINK_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

struct mnl_socket;

/* enum netdev_xdp_act of linux/netdev.h, which headers before Linux 6.3 do not have. */
#define XDP_FEATURE_BASIC 1        /* runs a program, which may return XDP_PASS, XDP_DROP and XDP_TX */
#define XDP_FEATURE_REDIRECT 2     /* its program may redirect */
#define XDP_FEATURE_NDO_XMIT 4     /* sends frames that are redirected to it */
#define XDP_FEATURE_RX_SG 32       /* runs a program on frames of several buffers */
#define XDP_FEATURE_NDO_XMIT_SG 64 /* sends redirected frames of several buffers */

/**
 * Asks the kernel for the XDP_FEATURE_* of a device. 0; -EOPNOTSUPP if the kernel
 * does not tell (before Linux 6.3); or another -errno. Any thread.
 */
int device_xdp_features(uint32_t ifindex, uint64_t *features);

/** Whether the kernel tells the XDP features of devices at all (since Linux 6.3). False if it does not answer. Any thread. */
bool device_tells_features(void);

/**
 * Opens a socket that hears when the XDP features of devices change. It does not
 * block. Returns the socket, which request_socket_close closes, or NULL with errno,
 * EOPNOTSUPP if the kernel does not tell (before Linux 6.3). Any thread.
 */
struct mnl_socket *device_listen(void);

/* Bytes of a driver's name, with the 0 at its end: struct ethtool_drvinfo of linux/ethtool.h. */
#define DEVICE_DRIVER_SIZE 32

/* Stands for the name of a driver if the kernel does not say it. */
#define DEVICE_DRIVER_UNKNOWN "unknown"

/**
 * Writes the name of an interface's driver, as ethtool(8) has it, or DEVICE_DRIVER_UNKNOWN. Any thread.
 */
void device_driver(const char *name, char driver[DEVICE_DRIVER_SIZE]);

/**
 * Whether an interface is of a driver, by the driver's name in ethtool(8). False if
 * the kernel does not say. Any thread.
 */
bool device_driver_is(const char *name, const char *driver);

/* The channels of a device, in which it receives and sends. 0: it has none of this kind, or the kernel does not say. */
struct device_channels {
	uint32_t rx, tx, combined;
	uint32_t rx_max, combined_max;
};

/** Reads how many channels an interface uses, and how many it could: ethtool -l. Any thread. */
void device_channels(const char *name, struct device_channels *channels);

/**
 * Sends an ethtool request for an interface (SIOCETHTOOL). `command` is one of the
 * structs of linux/ethtool.h, which begin with the command's number; the kernel
 * writes its answer there. 0 or -errno. Any thread.
 */
int device_ethtool(const char *name, void *command);

#endif
