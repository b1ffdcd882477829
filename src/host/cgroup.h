/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The BPF programs of the server's own cgroup, such as systemd's IPAddressDeny= and those of
 * Cilium: the ones that run for its UDP datagrams, wherever above they are attached. For one
 * thread, with CAP_NET_ADMIN, and before Linux 5.19 CAP_BPF.
 */
#ifndef OFFLOAD_HOST_CGROUP_H
#define OFFLOAD_HOST_CGROUP_H

#include "host/survey.h"

/** Adds the programs to a survey. 0, also if the kernel has no such programs, or -errno. */
int cgroup_look(struct survey *survey);

/** Forgets where the unified hierarchy is mounted. */
void cgroup_forget(void);

#endif
