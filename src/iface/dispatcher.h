/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Beside other XDP programs: libxdp's dispatcher, which runs several programs on
 * one interface in turn. The dispatcher and the programs are pinned, so the
 * kernel does not detach this program when the process ends: what is left of it
 * passes everything up, as no relay thread is heard of, and the next start
 * takes it out. Built with libxdp (chain.c) or without (chain_none.c).
 */
#ifndef OFFLOAD_IFACE_DISPATCHER_H
#define OFFLOAD_IFACE_DISPATCHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bpf_object;

/** How to have the program once more, not loaded, with the tables of the one that is; or NULL. */
typedef struct bpf_object *(*dispatcher_copy)(void);

/** Whether a device carries a dispatcher. */
bool dispatcher_is_there(uint32_t ifindex);

/**
 * Removes programs of servers that have ended from a device's dispatcher; if none
 * are left, the dispatcher is gone.
 */
void dispatcher_clean(uint32_t ifindex);

/**
 * Adds the program to a device's dispatcher; `generic` is the mode that it has.
 * 0, or -errno with the reason.
 */
int dispatcher_join(uint32_t ifindex, dispatcher_copy copy, bool *generic, char *why, size_t size);

/** Takes it out again. Does nothing where it is not. */
void dispatcher_leave(uint32_t ifindex);

/** Whether the device carries a dispatcher still. */
bool dispatcher_holds(uint32_t ifindex);

#endif
