/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A thread that goes on writing the kernel's tables when the server has given up
 * root (proc-user). Kernels before 5.19 want CAP_BPF for each access to a table
 * if kernel.unprivileged_bpf_disabled is set; coturn's threads lose it with
 * their user, so this one keeps it and does what they ask. Newer kernels want
 * the table's descriptor alone, and have no such thread.
 */
#ifndef OFFLOAD_DEPUTY_H
#define OFFLOAD_DEPUTY_H

#include <stdbool.h>

/**
 * Starts the thread, unless `allowed` succeeds on a thread without CAP_BPF, which
 * says that none is needed. Before the server changes its user. 0 or -errno.
 */
int deputy_start(bool (*allowed)(void));

/** Ends it. Does nothing if there is none. */
void deputy_stop(void);

/** Whether there is one, because this kernel wants CAP_BPF. */
bool deputy_present(void);

/** Has `act` called on that thread and returns what it does. Any thread; waits. */
int deputy_do(int (*act)(const void *), const void *what);

/** The server has taken on its user. 0, or -EPERM if the thread had no CAP_BPF to keep. */
int deputy_privileges_dropped(void);

#endif
