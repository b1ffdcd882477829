/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The slots of the program's `attachments`: which interface has which one, and what only the server knows of it. Only
 * attachment.c uses them. A slot is a number from 0 on. One thread at a time.
 */
#ifndef OFFLOAD_IFACE_SLOTS_H
#define OFFLOAD_IFACE_SLOTS_H

#include <stdbool.h>
#include <stdint.h>

#include "abi.h"
#include "netlink/link.h"

/* What stands for a link. */
enum { LINK_DISPATCHER = -1,
       LINK_ALIAS = -2 };

/* What the program does not know of an interface. */
struct carrier {
	int link;            /* LINK_DISPATCHER: attached through libxdp's dispatcher; LINK_ALIAS: an alias */
	uint32_t alias_of;   /* the device of an alias, and the rest is 0 */
	uint32_t mtu;        /* the largest at which the driver has taken the program */
	uint32_t detach_mtu; /* driver_detach_mtu */
	bool alone;          /* attachment_set_alone */
};

/** Takes ABI_PORTS slots, and clears them. */
void slots_open(struct attachment *entries);

/** Forgets all interfaces. The slots themselves are left as they are. */
void slots_close(void);

/** How many slots were ever used. They are the first ones. */
unsigned int slots_used(void);

/** What the program reads in a slot. */
struct attachment *slots_entry(unsigned int slot);

/** What only the server knows. */
struct carrier *slots_carrier(unsigned int slot);

/** The slot of an interface, whether it is a device or an alias, or -1. */
int slots_find(uint32_t ifindex);

/** The slot of a device that carries the program, or -1. */
int slots_find_device(uint32_t ifindex);

/** Whether a slot has a device that carries the program. */
bool slots_is_device(unsigned int slot);

/** Whether a slot has an alias of a device. */
bool slots_is_alias_of(unsigned int slot, uint32_t device);

/** A slot for one more interface, or -EUSERS. */
int slots_find_free(void);

/** A slot for one more device; -EEXIST if the interface has one; or -EUSERS. */
int slots_find_room(uint32_t ifindex);

/** Gives a slot that is free to an interface. From then on the program knows it. */
void slots_publish(unsigned int slot, uint32_t ifindex, const struct attachment *entry, const struct carrier *carrier);

/** The same for a device, with a place for its gate. Only after slots_find_room. */
void slots_publish_device(unsigned int slot, const struct link *device, bool generic, const struct carrier *carrier);

/** Frees a slot. From then on the program does not know the interface. */
void slots_withdraw(unsigned int slot);

#endif
