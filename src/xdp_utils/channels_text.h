/* SPDX-License-Identifier: BSD-3-Clause */
/* What the commands `channels` and `top` show, as a table for people. Pure. */
#ifndef OFFLOAD_XDP_UTILS_CHANNELS_TEXT_H
#define OFFLOAD_XDP_UTILS_CHANNELS_TEXT_H

#include <stddef.h>
#include <stdio.h>

#include "snapshot.h"

/**
 * Writes a heading and a line for each of the first `lines` channels; 0: all of them.
 * If a line is longer than `room` characters (0: no limit), columns are left out.
 */
void channels_text_write(FILE *out, const struct snapshot *snapshot, size_t lines, int room);

#endif
