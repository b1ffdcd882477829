/* SPDX-License-Identifier: BSD-3-Clause */
/* The command capture: shows the packets that the XDP program sees, as they came in and as they left. */
#ifndef OFFLOAD_XDP_UTILS_CAPTURE_RUN_H
#define OFFLOAD_XDP_UTILS_CAPTURE_RUN_H

#include "arguments.h"

/** Captures until a limit, a signal or the end of the server. An exit status, after it has said why. */
int capture_run(const struct arguments *arguments);

#endif
