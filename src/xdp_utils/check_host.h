/* SPDX-License-Identifier: BSD-3-Clause */
/* What else this host does with packets, and what it means for the offload. */
#ifndef OFFLOAD_XDP_UTILS_CHECK_HOST_H
#define OFFLOAD_XDP_UTILS_CHECK_HOST_H

#include <stdbool.h>

#include "abi.h"
#include "check_interface.h"
#include "check_report.h"

struct check_host {
	int ipsec_error; /* 0 or -errno: whether there are IPsec policies is not known */
	bool ipsec;
	bool survey_denied;    /* this process may not take the survey (host/survey.h) */
	struct status_host of; /* what the survey has found; of a server that runs: what that one has found */
};

/**
 * Asks the kernel. `status` is that of the server whose offload runs, which knows more; or NULL, and then `interfaces`
 * are those by which packets would come in and leave.
 */
void check_host_read(const struct status *status, const struct check_interfaces *interfaces, struct check_host *host);

/** Adds the rows. Pure. */
void check_host_judge(const struct check_host *host, struct check_report *report);

#endif
