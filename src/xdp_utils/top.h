/* SPDX-License-Identifier: BSD-3-Clause */
/* The command `top`. */
#ifndef OFFLOAD_XDP_UTILS_TOP_H
#define OFFLOAD_XDP_UTILS_TOP_H

#include "arguments.h"

/**
 * Shows the channels again and again, until a key or a signal ends it, or the server
 * ends. With JSON it writes a line for each snapshot. An exit status.
 */
int top_run(const struct arguments *arguments);

#endif
