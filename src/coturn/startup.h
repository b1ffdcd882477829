/* SPDX-License-Identifier: BSD-3-Clause */
/* The start of the server, where the offload starts with it. */
#ifndef OFFLOAD_COTURN_STARTUP_H
#define OFFLOAD_COTURN_STARTUP_H

#include <stdbool.h>

/** Whether the offload runs. It is decided before relay threads are made; any thread. */
bool startup_offload_runs(void);

#endif
