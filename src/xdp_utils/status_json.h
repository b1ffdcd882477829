/* SPDX-License-Identifier: BSD-3-Clause */
/* What the command `status` shows, as JSON. Pure. */
#ifndef OFFLOAD_XDP_UTILS_STATUS_JSON_H
#define OFFLOAD_XDP_UTILS_STATUS_JSON_H

#include "json.h"
#include "snapshot.h"

/** Writes one object, without channels. Rates are null without an earlier snapshot. */
void status_json_write(struct json *json, const struct snapshot *snapshot);

#endif
