/* SPDX-License-Identifier: BSD-3-Clause */
/* The interfaces that are to carry the program, in the order of their names in the options. */
#ifndef OFFLOAD_IFACE_INTERFACES_H
#define OFFLOAD_IFACE_INTERFACES_H

#include <stdbool.h>
#include <stdint.h>

#include "abi.h"
#include "iface/address_owner.h"
#include "iface/mode.h"

/** One thread at a time. */
struct interfaces {
	struct mode_plan plan;
	unsigned int count;
	struct interface interface[ABI_ATTACHMENTS];
};

/** Adds interfaces by name; one that has several names only once. Nothing is attached yet. */
void interfaces_add(struct interfaces *interfaces, const struct interface_list *list);

/** Whether an interface with this index is among them. */
bool interfaces_have(const struct interfaces *interfaces, uint32_t ifindex);

/** Logs the lines of all interfaces that are news. */
void interfaces_log(struct interfaces *interfaces);

/** Shows all interfaces to inspectors, by the status. */
void interfaces_publish(const struct interfaces *interfaces, const struct links *links);

#endif
