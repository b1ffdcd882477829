/* SPDX-License-Identifier: BSD-3-Clause */
/* What devices can do with XDP, as the kernel tells since Linux 6.3. */
#ifndef OFFLOAD_NETLINK_DEVICE_H
#define OFFLOAD_NETLINK_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

struct mnl_socket;

/* enum netdev_xdp_act of linux/netdev.h */
#define XDP_FEATURE_BASIC 1
#define XDP_FEATURE_REDIRECT 2
#define XDP_FEATURE_NDO_XMIT 4
#define XDP_FEATURE_RX_SG 32
#define XDP_FEATURE_NDO_XMIT_SG 64

/** XDP_FEATURE_* of a device. 0, -EOPNOTSUPP if the kernel does not tell, or another -errno. */
int device_xdp_features(uint32_t ifindex, uint64_t *features);

/**
 * A socket that hears when they change, not blocking; or NULL with errno,
 * EOPNOTSUPP if the kernel does not tell.
 */
struct mnl_socket *device_listen(void);

/** Whether an interface is of a driver, by ethtool's name for it. */
bool device_driver_is(const char *name, const char *driver);

/** An ethtool request, which begins with its number, in and out. 0 or -errno. */
int device_ethtool(const char *name, void *request);

#endif
