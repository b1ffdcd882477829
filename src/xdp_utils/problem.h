/* SPDX-License-Identifier: BSD-3-Clause */
/* What keeps a server's channels from being relayed in the kernel, and what the kernel's relaying leaves out. Pure. */
#ifndef OFFLOAD_XDP_UTILS_PROBLEM_H
#define OFFLOAD_XDP_UTILS_PROBLEM_H

#include "snapshot.h"

/* The longest line, with its end. */
#define PROBLEM_LINE 512

/** Calls `each` with a line for every problem, the gravest first. */
void problem_each(const struct snapshot *snapshot, void (*each)(const char *line, void *data), void *data);

#endif
