/* SPDX-License-Identifier: BSD-3-Clause */
/* How frames leave by devices. One thread at a time. */
#ifndef OFFLOAD_IFACE_LEAVING_H
#define OFFLOAD_IFACE_LEAVING_H

#include <stdbool.h>
#include <stdint.h>

#include "netlink/links.h"

/**
 * Follows what decides on it: which links hand on checksums that were verified in software (verified.h), and which
 * devices lose redirected frames (redirects.h).
 */
void leaving_follow(const struct links *links);

/**
 * Whether a device sends frames that are redirected to it. Some drivers say that they do only
 * while a program is attached. Where the kernel does not say (before Linux 6.3), only a device
 * that carries the program in native mode is taken to do so, unless its driver is known not to.
 */
bool leaving_takes_redirects(uint32_t ifindex);

/**
 * How frames can leave by a device that is no VLAN: HOP_REDIRECT, HOP_TRANSMIT, HOP_FRAGS and HOP_HANDS_ON.
 * The answers are remembered until leaving_forget.
 */
uint8_t leaving_flags(uint32_t ifindex);

/** From now on leaving_flags asks the kernel again. */
void leaving_forget(void);

/** Forgets all devices. */
void leaving_stop(void);

#endif
