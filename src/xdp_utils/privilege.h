/* SPDX-License-Identifier: BSD-3-Clause */
/* What a process keeps of its privileges while it serves others, or captures. */
#ifndef OFFLOAD_XDP_UTILS_PRIVILEGE_H
#define OFFLOAD_XDP_UTILS_PRIVILEGE_H

/**
 * Gives up all capabilities but those that looking at servers takes, for good: no other
 * can be had again. Before other threads are made. 0 or -errno.
 */
int privilege_reduce(void);

/** The same without exception: for a process that has opened all it needs. */
int privilege_give_up(void);

#endif
