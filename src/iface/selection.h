/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which interfaces are to carry the program: those that xdp-interface names; without it those
 * that have the server's addresses, and those by which routes lead out. Addresses may come, go
 * and move while the server runs. One thread at a time.
 */
#ifndef OFFLOAD_IFACE_SELECTION_H
#define OFFLOAD_IFACE_SELECTION_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "abi.h"
#include "base/option.h"
#include "netlink/links.h"

/* Interfaces that are to carry the program, at most as many as can. */
struct interface_list {
	unsigned int count;
	struct {
		char name[IFNAMSIZ];
		uint32_t ifindex; /* 0: there is no interface of that name now */
		bool optional;    /* only packets leave by it: native mode makes this cheaper, and nothing else is tried */
	} entry[ABI_ATTACHMENTS];
};

/**
 * Takes what interfaces are selected by: their names in the settings or else the server's
 * `addresses`, in text. The log names addresses that nothing is ever selected by. 0 or -ENOMEM.
 */
int selection_start(const struct settings *settings, const char *const *addresses, unsigned int count);

/** Forgets all. Does nothing if not started. */
void selection_stop(void);

/**
 * Selects among the links as things are now. If they are too many, those come first by which
 * the default route leaves, then those by which other routes lead out; bridges come last. The
 * log says what is news about the server's addresses, and the status which are waited for. 0,
 * or -errno with `list` untouched.
 */
int selection_find(const struct links *links, struct interface_list *list);

/**
 * Whether other interfaces may be selected later: false where they are selected by their names
 * of the start, which they may have no longer.
 */
bool selection_may_change(void);

/** Whether the last selection_find could not read all that it depends on, so that it is to be called again soon. */
bool selection_pending(void);

/** Whether selection_find may select more before long: an address is on no interface yet. */
bool selection_waits(void);

/** Whether each address was on an interface that packets can come in by. */
bool selection_complete(void);

#endif
