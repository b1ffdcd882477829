/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What changes about interfaces and devices while the server runs: they go, come back, get
 * other names or addresses, lose the program or come to be able to carry it. One thread.
 */
#ifndef OFFLOAD_IFACE_CHANGES_H
#define OFFLOAD_IFACE_CHANGES_H

#include <stdint.h>

#include "iface/interfaces.h"

/**
 * Looks whether a device that carries the program still can, also after its MTU was raised: detaches it
 * where it cannot, so that its interfaces have none, and follows the device's MAC address where it can.
 */
void changes_check_device(struct interfaces *interfaces, const struct links *links, uint32_t device);

/**
 * Follows one interface, which may be gone, back or renamed, and chooses its mode if it does
 * not carry the program and something is different from the last time; or if it is in generic
 * mode, and its driver or the other interfaces may no longer be a reason for that. What the log
 * and the status say of its state and MTU is brought up to date.
 */
void changes_follow(struct interfaces *interfaces, struct interface *interface, const struct links *links);

/**
 * Detaches the program from a device, so that changes_follow chooses the modes of its interfaces anew. 0, or -EBUSY with
 * nothing changed (attachment_detach).
 */
int changes_detach(struct interfaces *interfaces, uint32_t device);

/** Detaches the program from a device that carries it for none of the interfaces any more. */
void changes_drop_unused(const struct interfaces *interfaces, uint32_t device);

#endif
