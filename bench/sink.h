/* SPDX-License-Identifier: BSD-3-Clause */
/* Counts the datagrams that reach an end. */
#ifndef BENCH_SINK_H
#define BENCH_SINK_H

#include <netinet/in.h>

#include "frame.h"

struct sink;

/*
 * Attaches the sink to `ifname` of this thread's network namespace, for
 * datagrams of `length` bytes (a ChannelData header included) to `first` and the
 * `ports` ports from its own on. With `skbs` it is a filter of tc and not an XDP program, for
 * which a veth would copy most skbs.
 * Returns 0 or -errno.
 */
int sink_open(const char *ifname, const struct sockaddr_in *first, unsigned int ports,
	      unsigned int length, int skbs, struct sink **sink);

/* The counts, summed over the CPUs. Returns 0 or -errno. */
int sink_read(const struct sink *sink, struct sink_count *count);

/* Detaches it. */
void sink_close(struct sink *sink);

#endif
