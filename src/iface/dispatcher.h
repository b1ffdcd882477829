/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Other XDP programs on the same device: libxdp's dispatcher runs several programs there, one
 * after the other. The dispatcher and its programs are pinned, so the kernel does not detach
 * this program when the process ends: what is left of it passes every packet up, as its relay
 * threads no longer say that they run, and the next start removes it. One thread at a time.
 *
 * Two files have this interface: dispatcher.c with libxdp, and dispatcher_stub.c without.
 */
#ifndef OFFLOAD_IFACE_DISPATCHER_H
#define OFFLOAD_IFACE_DISPATCHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bpf_object;

/**
 * Opens the program once more, not loaded, with the tables of the one that is loaded. NULL if
 * that fails.
 */
typedef struct bpf_object *(*dispatcher_copy)(void);

/** Whether a device carries a dispatcher. */
bool dispatcher_is_there(uint32_t ifindex);

/**
 * Removes programs of servers that have ended from a device's dispatcher. A dispatcher with no
 * programs left is gone.
 */
void dispatcher_clean(uint32_t ifindex);

/**
 * Adds the program to a device's dispatcher. 0 with the dispatcher's mode in `generic`; or
 * -errno with the reason in `why`, of `size` bytes. Needs the server's first privileges: it
 * fails after the start.
 */
int dispatcher_join(uint32_t ifindex, dispatcher_copy copy, bool *generic, char *why, size_t size);

/** Removes the program from a device's dispatcher. Does nothing if it is not there. */
void dispatcher_leave(uint32_t ifindex);

/**
 * Whether a device carries an XDP program still, which is taken to be the dispatcher: after the
 * start the kernel tells no more. True if it does not tell that.
 */
bool dispatcher_holds(uint32_t ifindex);

#endif
