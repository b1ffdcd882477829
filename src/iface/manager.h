/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Attaches the program to the interfaces, and keeps it there as long as the server runs. One
 * thread at a time: the one that starts the server, then the monitor thread.
 */
#ifndef OFFLOAD_IFACE_MANAGER_H
#define OFFLOAD_IFACE_MANAGER_H

#include <stdbool.h>

#include "abi.h"
#include "base/option.h"
#include "iface/attachment.h"
#include "iface/dispatcher.h"

struct manager_plan {
	struct attachment_programs programs;
	struct attachment *slots;  /* the programs', ABI_PORTS of them */
	const struct stray *stray; /* the programs', or NULL */
	dispatcher_copy copy;      /* has the program once more, to run through libxdp's dispatcher */
	enum option_mode mode;
};

enum manager_outcome {
	MANAGER_STARTED, /* an interface carries the program, or may once it or an address is there, or another program is gone */
	MANAGER_FAILED,  /* no interface can carry the program */
};

/**
 * Attaches the program to the interfaces of the selection, which has been started, and logs
 * for each in which mode, or why not. After MANAGER_FAILED manager_stop is still to be called.
 */
enum manager_outcome manager_start(const struct manager_plan *plan);

/** How many interfaces carry the program; `all` is how many are to carry it now. */
unsigned int manager_carriers(unsigned int *all);

/** Writes the interfaces, and the devices that carry the program for them, at most `room`. Returns how many. */
unsigned int manager_devices(uint32_t *ifindexes, unsigned int room);

/** Whether every interface carries the program, and every address of the server is on one. */
bool manager_complete(void);

/** Detaches everywhere. */
void manager_stop(void);

/**
 * Follows what has changed: addresses, routes, VLANs, interfaces that are renamed, gone or back, and
 * what keeps the program from an interface. Shows all of it to inspectors.
 */
void manager_refresh(void);

/**
 * The same, but without addresses and routes, and so cheaper: while the kernel has told of no change to links, addresses
 * and routes, the same interfaces are selected as before.
 */
void manager_look(void);

#endif
