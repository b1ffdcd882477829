/* SPDX-License-Identifier: BSD-3-Clause */
/* What keeps a server's channels from being relayed in the kernel, now. Pure. */
#ifndef OFFLOAD_XDP_UTILS_PROBLEM_H
#define OFFLOAD_XDP_UTILS_PROBLEM_H

#include "snapshot.h"

#define PROBLEM_LINE 512

/** Says each, the weightiest first. */
void problems_each(const struct snapshot *snapshot, void (*each)(const char *line, void *data), void *data);

#endif
