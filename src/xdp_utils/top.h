/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef OFFLOAD_XDP_UTILS_TOP_H
#define OFFLOAD_XDP_UTILS_TOP_H

#include "arguments.h"

/**
 * Shows the channels again and again, until it is told to end or the server has.
 * With JSON: a line for each look. An exit status.
 */
int top_run(const struct arguments *arguments);

#endif
