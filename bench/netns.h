/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef BENCH_NETNS_H
#define BENCH_NETNS_H

/* Puts the calling thread into the named network namespace. 0 or -errno. */
int netns_enter(const char *name);

#endif
