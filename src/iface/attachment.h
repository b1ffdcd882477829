/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The devices that the program is attached to, and their aliases. Each has a slot in the program's
 * `attachments`. They are attached by BPF links, which the kernel releases however the
 * process ends; or through libxdp's dispatcher, which stays (dispatcher.h). One thread at a
 * time.
 */
#ifndef OFFLOAD_IFACE_ATTACHMENT_H
#define OFFLOAD_IFACE_ATTACHMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "abi.h"
#include "iface/dispatcher.h"
#include "netlink/links.h"

enum attachment_state { ATTACHMENT_NONE,
			ATTACHMENT_NATIVE,
			ATTACHMENT_GENERIC };

/* The same program twice, with the same tables: file descriptors. */
struct attachment_programs {
	int linear; /* for frames of one buffer, which is all that most drivers have: it is the shorter one */
	int frags;  /* for frames of several buffers; -1: there is none */
};

/**
 * Takes the programs, their ABI_PORTS slots, which it clears, and the function that has the first program once
 * more, for dispatchers.
 */
void attachment_open(const struct attachment_programs *programs, struct attachment *slots, dispatcher_copy copy);

/** Detaches everywhere. */
void attachment_close(void);

/** Whether there is a program for frames of several buffers. */
bool attachment_has_frags(void);

/**
 * Attaches to a device that does not carry the program yet, in generic or native mode. Native mode with `frags`, which
 * may come after a try without, has the program for frames of several buffers. 0; -EUSERS if ABI_ATTACHMENTS devices
 * carry it or all slots are taken; -EEXIST if it is an alias of another device; or the kernel's -errno.
 */
int attachment_attach(const struct link *device, bool generic, bool frags);

/**
 * Asks the kernel what it has against attaching in native mode, after attachment_attach was refused. Writes the
 * driver's sentence, or "".
 */
void attachment_ask(const struct link *device, bool frags, char *sentence, size_t size);

/**
 * Whether a device in native mode has had its MTU raised above all those at which the driver has taken the program, so
 * that frames may be lost.
 */
bool attachment_is_outgrown(const struct link *device);

/**
 * Replaces the program of a device in native mode by that for frames of several buffers, without a time in which there
 * is none. 0 if the driver takes it at the MTU that the device has now; or -errno with nothing changed.
 */
int attachment_take_frags(const struct link *device);

/**
 * Adds the program to libxdp's dispatcher on a device, in the mode that the dispatcher has.
 * 0; or -errno with the reason in `why`, of `size` bytes.
 */
int attachment_join(const struct link *device, char *why, size_t size);

/**
 * Detaches from a device, and removes its aliases. 0, also if it does not carry the program; or -EBUSY with nothing
 * changed, if its driver does not give the program back at the MTU that it has now, and the MTU cannot be lowered for
 * that moment (give_back.h).
 */
int attachment_detach(uint32_t ifindex);

/**
 * From now on frames that come in by the interface `alias` for its MAC address are the device's, which carries
 * the program; while it is a backup in a bond they are nobody's. The kernel runs the device's program there:
 * this attaches nothing. Called again it takes over what has changed. 0; -ENOENT if the device does not carry
 * the program; -EEXIST if the interface carries the program itself, or is an alias of another device; or
 * -EUSERS if all slots are taken.
 */
int attachment_alias_put(uint32_t device, const struct link *alias);

/** Undoes attachment_alias_put. Does nothing if the interface is no alias. */
void attachment_alias_remove(uint32_t alias);

/** Writes the aliases of a device, at most ABI_PORTS. Returns how many they are. */
unsigned int attachment_aliases(uint32_t device, uint32_t *ifindexes);

/**
 * Writes the interfaces by which the frames of a device come and leave: its aliases, and then the device itself, also if it does
 * not carry the program. At most ABI_PORTS. Returns how many they are.
 */
unsigned int attachment_ports(uint32_t device, uint32_t *ifindexes);

/** Whether an interface carries the program, or is an alias of a device that does. */
bool attachment_knows(uint32_t ifindex);

/**
 * Returns whether the program has seen a frame come in by an interface, a device or an alias, since the last such call.
 * Writes how many of its frames could not be resized, modulo 2^32.
 */
bool attachment_take_seen(uint32_t ifindex, uint32_t *no_room);

/** In which mode a device carries the program. */
enum attachment_state attachment_state(uint32_t ifindex);

/** Whether a device carries the program through libxdp's dispatcher, which has chosen the mode. */
bool attachment_is_dispatched(uint32_t ifindex);

/** Writes the devices that carry the program, at most ABI_ATTACHMENTS. Returns how many they are. */
unsigned int attachment_list(uint32_t *ifindexes);

/**
 * Whether the program is still attached to a device that carries it here: the device may be
 * gone, or the program was detached from outside.
 */
bool attachment_holds(uint32_t ifindex);

/** Takes over the MAC address of a device that carries the program, which may have changed. Its aliases have their own. */
void attachment_readdress(const struct link *device);

/** Notes on which devices in generic mode packets may come in whose checksums were verified in software (verified.h). */
void attachment_follow_verified(const struct links *links);

/**
 * Says that a device in native mode redirects nothing: frames leave it only by the way that they came. Until it is
 * detached, nothing is redirected to any device (leaving_flags).
 */
void attachment_set_alone(uint32_t ifindex);

/** Whether attachment_set_alone was called for a device that carries the program. */
bool attachment_is_alone(uint32_t ifindex);

/** Whether it was called for any. */
bool attachment_any_is_alone(void);

#endif
