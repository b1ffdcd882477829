/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Some drivers look at the MTU also when an XDP program is to be detached (driver.h): above a limit they refuse, and
 * the kernel forgets its link all the same. Then no program is shown, and the driver goes on to lose large frames, until
 * it is unbound. So the MTU is lowered for the moment in which the program is detached. One thread at a time.
 */
#ifndef OFFLOAD_IFACE_GIVE_BACK_H
#define OFFLOAD_IFACE_GIVE_BACK_H

#include <stdint.h>

#include "netlink/links.h"

/* The MTUs that are to be set again. */
struct give_back {
	struct links before; /* empty: no MTU was changed */
	uint32_t ifindex;
};

/**
 * Lowers a device's MTU to `most` if it is larger. 0; or -errno with nothing changed, -EPERM without CAP_NET_ADMIN.
 * After 0 give_back_end must be called.
 */
int give_back_begin(uint32_t ifindex, uint32_t most, struct give_back *lowered);

/** Sets the MTUs again, also those of the interfaces above, which the kernel has lowered with the device's. */
void give_back_end(struct give_back *lowered);

#endif
