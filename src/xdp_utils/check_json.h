/* SPDX-License-Identifier: BSD-3-Clause */
/* What a check has found, as JSON. Pure. */
#ifndef OFFLOAD_XDP_UTILS_CHECK_JSON_H
#define OFFLOAD_XDP_UTILS_CHECK_JSON_H

#include "check_interface.h"
#include "check_report.h"
#include "check_target.h"
#include "json.h"

/** Writes one object. */
void check_json_write(struct json *json, const struct check_target *target, const struct check_interfaces *interfaces,
		      const struct check_report *report);

#endif
