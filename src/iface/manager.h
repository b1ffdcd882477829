/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is attached where, and in which mode: for each interface in the driver
 * (native), behind it (generic), or not at all, as long as the server runs.
 */
#ifndef OFFLOAD_IFACE_MANAGER_H
#define OFFLOAD_IFACE_MANAGER_H

#include <stdbool.h>
#include <stdint.h>

#include "iface/dispatcher.h"
#include "iface/address_owner.h"
#include "base/option.h"

struct manager_plan {
	int program;       /* file descriptor */
	struct attachment *slots; /* the program's */
	dispatcher_copy copy;   /* the program once more, to run beside others */
	enum option_mode mode;
	bool frags;        /* no other program could take larger frames */
};

/**
 * Attaches to the interfaces, and says in the log of each in which mode, or why
 * not. 0 if at least one carries the program, or waits until another's is gone; -EMSGSIZE, with nothing attached
 * and nothing said, if a driver might take a program for frames of several
 * buffers in its place; or another -errno.
 */
int manager_start(const struct manager_plan *plan, const struct interface_list *interfaces);

/** How many interfaces carry the program, of all that there are to be. */
unsigned int manager_carriers(unsigned int *all);

/** Whether every interface carries the program. */
bool manager_complete(void);

/** Detaches everywhere. */
void manager_stop(void);

/**
 * Follows what has changed: addresses and VLANs; interfaces that are renamed,
 * gone, or back; what keeps the program from an interface. One thread,
 * as for attachment_device_flags.
 */
void manager_refresh(void);

#endif
