/* SPDX-License-Identifier: BSD-3-Clause */
/* What turnserver's options mean for the offload. Pure. */
#ifndef OFFLOAD_XDP_UTILS_CHECK_OPTIONS_H
#define OFFLOAD_XDP_UTILS_CHECK_OPTIONS_H

#include <stdbool.h>

#include "check_config.h"
#include "check_report.h"

/** Adds the rows. `running` is whether the offload of a server that runs is looked at. */
void check_options_judge(const struct check_config *config, const struct settings *settings, bool running,
			 struct check_report *report);

#endif
