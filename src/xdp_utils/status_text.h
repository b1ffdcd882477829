/* SPDX-License-Identifier: BSD-3-Clause */
/* What the command `status` shows, as text for people. Pure. */
#ifndef OFFLOAD_XDP_UTILS_STATUS_TEXT_H
#define OFFLOAD_XDP_UTILS_STATUS_TEXT_H

#include <stdbool.h>
#include <stdio.h>

#include "snapshot.h"

/** Writes the text. `all`: also the counters that are 0. */
void status_text_write(FILE *out, const struct snapshot *snapshot, bool all);

#endif
