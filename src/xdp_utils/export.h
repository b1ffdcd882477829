/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef OFFLOAD_XDP_UTILS_EXPORT_H
#define OFFLOAD_XDP_UTILS_EXPORT_H

#include "arguments.h"

/** Writes the metrics of all servers, or gives them to whoever asks by HTTP. An exit status. */
int export_run(const struct arguments *arguments);

#endif
