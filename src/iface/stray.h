/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames that come to the program by an interface that the server does not know to carry it. One thread at a time. */
#ifndef OFFLOAD_IFACE_STRAY_H
#define OFFLOAD_IFACE_STRAY_H

#include <stdint.h>

#include "abi.h"
#include "netlink/links.h"

/** Takes what the program counts; NULL: nothing is known. */
void stray_start(const struct stray *shared);

/** Looks at what was counted since the last call, about a second ago, and warns once of each such interface. */
void stray_look(const struct links *links);

/** The last interface that was warned of, as long as it is there, or 0. */
uint32_t stray_ifindex(void);

#endif
