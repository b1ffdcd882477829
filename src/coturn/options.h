/* SPDX-License-Identifier: BSD-3-Clause */
/* The options that coturn's command line and turnserver.conf hold for us. */
#ifndef OFFLOAD_COTURN_OPTIONS_H
#define OFFLOAD_COTURN_OPTIONS_H

#include "base/option.h"

/** What has been read so far; complete when coturn sets up its server. */
const struct options *options_given(void);

#endif
