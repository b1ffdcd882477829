/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The devices that the program is attached to, one slot of the program's `ports`
 * each. They are attached by BPF links, which the kernel releases however the
 * process ends; but for those where it runs beside others (chain.h).
 */
#ifndef OFFLOAD_IFACE_ATTACHMENT_H
#define OFFLOAD_IFACE_ATTACHMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "abi.h"
#include "iface/dispatcher.h"
#include "netlink/link.h"

enum attachment_state { ATTACHMENT_NONE, ATTACHMENT_NATIVE, ATTACHMENT_GENERIC };

/** Takes the program's file descriptor, its slots, and how it is had once more. */
void attachment_open(int program, struct attachment *slots, dispatcher_copy copy);

/** Detaches everywhere. */
void attachment_close(void);

/** Attaches to a device that has no port yet. 0 or -errno; -ENOSPC if there are no more slots. */
int attachment_attach(const struct link *device, bool generic);

/**
 * Joins libxdp's dispatcher that a device carries, in its mode. 0, or -errno with
 * the reason.
 */
int attachment_join(const struct link *device, char *why, size_t size);

/** Does nothing where it is not attached. */
void attachment_detach(uint32_t ifindex);

/** How a device carries the program. */
enum attachment_state attachment_state(uint32_t ifindex);

/** Whether it runs there beside others, in a mode that is not its own to choose. */
bool attachment_is_dispatched(uint32_t ifindex);

/** The devices that carry the program, at most ABI_ATTACHMENTS; how many there are. */
unsigned int attachment_list(uint32_t *ifindexes);

/** Whether the kernel has it attached still. */
bool attachment_holds(uint32_t ifindex);

/** The device's address may be another now. */
void attachment_readdress(const struct link *device);

/**
 * Whether a device sends what a driver hands to it. Some drivers say so only
 * once a program is attached. Without an answer (before Linux 6.3) only a
 * device that itself runs the program in its driver is trusted.
 */
bool attachment_takes_redirects(uint32_t ifindex);

/**
 * HOP_REDIRECT, HOP_TRANSMIT and HOP_FRAGS of a device that is no VLAN; an answer
 * is remembered until attachment_forget_flags.
 */
uint8_t attachment_device_flags(uint32_t ifindex);

void attachment_forget_flags(void);

#endif
