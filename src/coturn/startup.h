/* SPDX-License-Identifier: BSD-3-Clause */
/* Starts the offload when coturn starts the server. */
#ifndef OFFLOAD_COTURN_STARTUP_H
#define OFFLOAD_COTURN_STARTUP_H

#include <stdbool.h>

/** Returns whether the offload runs. That is decided before relay threads are made. Any thread. */
bool startup_offload_runs(void);

#endif
