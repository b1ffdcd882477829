/* SPDX-License-Identifier: BSD-3-Clause */
/* Which interfaces the offload would use. */
#ifndef OFFLOAD_XDP_UTILS_CHECK_FIND_H
#define OFFLOAD_XDP_UTILS_CHECK_FIND_H

#include "check_config.h"
#include "check_interface.h"
#include "check_report.h"

/**
 * Finds the interfaces as the server does (iface/selection.h). Adds rows about addresses that no interface has.
 */
void check_find(const struct check_config *config, const struct settings *settings, struct check_names *names,
		struct check_report *report);

#endif
