/* SPDX-License-Identifier: BSD-3-Clause */
/* The interfaces that are to carry the program. */
#ifndef OFFLOAD_IFACE_INTERFACES_H
#define OFFLOAD_IFACE_INTERFACES_H

#include <stdbool.h>
#include <stdint.h>

#include "abi.h"
#include "iface/mode.h"
#include "iface/selection.h"

/** One thread at a time. */
struct interfaces {
	struct mode_plan plan;
	unsigned int count;
	struct interface interface[ABI_ATTACHMENTS];
};

/**
 * Makes these the interfaces of a list, as far as there is room; one that has several names is
 * there only once. Nothing is attached or detached. Interfaces that were there stay what they
 * are; those that are not in the list go after three seconds, as an address may be back by then.
 */
void interfaces_select(struct interfaces *interfaces, const struct interface_list *list);

/** Whether an interface with this index is among them. */
bool interfaces_have(const struct interfaces *interfaces, uint32_t ifindex);

/** Whether log and status count an interface: an optional one only if it carries the program. */
bool interfaces_counts(const struct interface *interface);

/**
 * Whether packets leave by no other device than the one that the interface stands on: all other interfaces stand on the
 * same one, or packets only leave by them, or they are not there.
 */
bool interfaces_alone(const struct interfaces *interfaces, const struct interface *interface, const struct links *links);

/** Logs the lines of all interfaces that are news. */
void interfaces_log(struct interfaces *interfaces);

/** Shows all interfaces to inspectors, by the status. */
void interfaces_publish(const struct interfaces *interfaces, const struct links *links);

#endif
