/* SPDX-License-Identifier: BSD-3-Clause */
/* The counters of the server's XDP program, read from outside the server. */
#ifndef BENCH_VERDICTS_H
#define BENCH_VERDICTS_H

#include "../bpf/verdict.h"

/*
 * Finds the verdict counters of the XDP program on `ifname` of a network
 * namespace, in which the thread then is. Returns a file descriptor or -errno;
 * -ENOENT: no program, or one without such counters.
 */
int verdicts_open(const char *netns, const char *ifname);

/* Sums them over the CPUs. Returns 0 or -errno. */
int verdicts_read(int fd, unsigned long long sums[VERDICT_SLOTS]);

#endif
