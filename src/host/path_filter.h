/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The strict reverse path filter of IPv4 (rp_filter=1, ip-sysctl): it refuses a packet that comes
 * in by another interface than the one to its source. IPv6 has none but by netfilter.
 */
#ifndef OFFLOAD_HOST_PATH_FILTER_H
#define OFFLOAD_HOST_PATH_FILTER_H

#include "host/survey.h"

/** Adds the interfaces that have it to a survey. 0 or -errno. */
int path_filter_look(struct survey *survey);

#endif
