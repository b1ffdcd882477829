/* SPDX-License-Identifier: BSD-3-Clause */
/* The command `check`: what speaks against the offload, before it is turned on and when it is on. */
#ifndef OFFLOAD_XDP_UTILS_CHECK_H
#define OFFLOAD_XDP_UTILS_CHECK_H

#include "arguments.h"

/** Checks, and writes what it has found to standard output. An exit status: EXIT_FAILURE if something stops the offload. */
int check_run(const struct arguments *arguments);

#endif
