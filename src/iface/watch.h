/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The watch over the devices that carry the program in native mode: whether their drivers run it, have room for it,
 * and send what it returns. A driver may accept the program and do none of it. One thread at a time.
 */
#ifndef OFFLOAD_IFACE_WATCH_H
#define OFFLOAD_IFACE_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi.h"
#include "iface/interfaces.h"
#include "netlink/links.h"

/** Begins to watch. `stray` is the program's, or NULL. */
void watch_start(const struct stray *stray);

/**
 * Looks at all devices in native mode, if a second has passed since the last time. Detaches the program from one on which it
 * does not work, so that its interfaces' modes are chosen anew.
 */
void watch_look(struct interfaces *interfaces, const struct links *links);

/**
 * Whether a device is not to use native mode any more, because it did not work. Then `why`, of `size` bytes, says the reason as
 * a clause.
 */
bool watch_distrusts(uint32_t ifindex, char *why, size_t size);

/** What was found to be wrong with native mode on a device: enum status_fault. */
uint8_t watch_fault(uint32_t ifindex);

/**
 * How many frames that the program has sent to a device or its members, or sent back by them, got lost afterwards, modulo
 * 2^32.
 */
uint32_t watch_lost(uint32_t ifindex);

#endif
