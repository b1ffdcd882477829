/* SPDX-License-Identifier: BSD-3-Clause */
/* What the commands `channels` and `top` show, as JSON. Pure. */
#ifndef OFFLOAD_XDP_UTILS_CHANNELS_JSON_H
#define OFFLOAD_XDP_UTILS_CHANNELS_JSON_H

#include <stddef.h>

#include "json.h"
#include "snapshot.h"

/**
 * Writes one object with the first `lines` channels; 0: all of them. Rates are null
 * without an earlier snapshot.
 */
void channels_json_write(struct json *json, const struct snapshot *snapshot, size_t lines);

#endif
