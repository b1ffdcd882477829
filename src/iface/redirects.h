/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Devices in native mode that lose a part of the frames that are redirected to them. Some drivers send such a frame by
 * the queue with the number of the CPU that redirects it. With fewer queues than CPUs there are CPUs that have none: what
 * they redirect is dropped (ndo_xdp_xmit returns -ENXIO). Neither the kernel nor the program says so. What comes in by
 * such a device and leaves by it again (XDP_TX) is not lost. One thread at a time.
 */
#ifndef OFFLOAD_IFACE_REDIRECTS_H
#define OFFLOAD_IFACE_REDIRECTS_H

#include <stdbool.h>
#include <stdint.h>

#include "netlink/links.h"

/**
 * Looks at the channels of all devices in native mode, and at the CPUs. Logs what has changed of a device, if frames can
 * be redirected to it: there are other devices in native mode, or other members of its bond. A device whose channels
 * have changed is no longer held to lose what drops.h has seen lost.
 */
void redirects_follow(const struct links *links);

/** Whether a device, or one of its members, has too few queues for what is redirected to it, as redirects_follow has found. */
bool redirects_lack_queues(uint32_t device);

/** Whether a device, or one of its members, was seen to drop what is redirected to it (drops.h). */
bool redirects_are_dropped(uint32_t device);

/** Forgets all devices. */
void redirects_forget(void);

#endif
