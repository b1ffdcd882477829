/* SPDX-License-Identifier: BSD-3-Clause */
/* Which interfaces the offload would use, and what there is to say about each. */
#ifndef OFFLOAD_XDP_UTILS_CHECK_NETWORK_H
#define OFFLOAD_XDP_UTILS_CHECK_NETWORK_H

#include "check_config.h"
#include "check_interface.h"
#include "check_report.h"

/**
 * Finds the interfaces as the server does: those of xdp-interface, or else the owners of the addresses that it listens
 * on and relays from. Adds rows about addresses that no interface has.
 */
void check_network_find(const struct check_config *config, const struct settings *settings,
			struct interface_list *names, struct check_report *report);

/**
 * Adds the rows of the interfaces. `status` is what the server says of them whose offload runs, or NULL: `all` then
 * has the modes that they would get. Pure.
 */
void check_network_judge(const struct check_interfaces *all, const struct settings *settings,
			 const struct status *status, struct check_report *report);

#endif
