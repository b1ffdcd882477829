/* SPDX-License-Identifier: BSD-3-Clause */
/* What else this host does to packets, which relayed ones would not pass. */
#ifndef OFFLOAD_XDP_UTILS_CHECK_HOST_H
#define OFFLOAD_XDP_UTILS_CHECK_HOST_H

#include "check_report.h"

/** Adds the rows. */
void check_host_judge(struct check_report *report);

#endif
