/* SPDX-License-Identifier: BSD-3-Clause */
/* What there is to say about each interface that the offload uses or would use. Pure. */
#ifndef OFFLOAD_XDP_UTILS_CHECK_NETWORK_H
#define OFFLOAD_XDP_UTILS_CHECK_NETWORK_H

#include "base/option.h"
#include "check_interface.h"
#include "check_report.h"

/**
 * Adds the rows of the interfaces. `status` is what the server says of them whose offload runs, or NULL: `all` then
 * has the modes that they would get.
 */
void check_network_judge(const struct check_interfaces *all, const struct settings *settings,
			 const struct status *status, struct check_report *report);

#endif
