/* SPDX-License-Identifier: BSD-3-Clause */
/* Takes the offload's options out of coturn's command line and turnserver.conf. */
#ifndef OFFLOAD_COTURN_OPTIONS_H
#define OFFLOAD_COTURN_OPTIONS_H

#include "base/option.h"

/**
 * Returns the options that were read so far. They are complete when coturn calls setup_server. On
 * the main thread.
 */
const struct options *options_given(void);

/** Logs one line if there are options of the offload, but no xdp-offload. When the options are complete. */
void options_log_without_effect(void);

#endif
