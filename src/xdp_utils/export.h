/* SPDX-License-Identifier: BSD-3-Clause */
/* The command `metrics`. */
#ifndef OFFLOAD_XDP_UTILS_EXPORT_H
#define OFFLOAD_XDP_UTILS_EXPORT_H

#include "arguments.h"

/** Writes the metrics of the servers once, or serves them by HTTP until a signal ends it. An exit status. */
int export_run(const struct arguments *arguments);

#endif
