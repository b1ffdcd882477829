/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * coturn gives up root after its start (proc-user). The thread that looks after
 * next hops has to ask the kernel to confirm neighbours as long as it runs,
 * which takes CAP_NET_ADMIN: it keeps that. Kernels before 5.19 may want CAP_BPF
 * for tables that are loaded already, and for attaching: then it keeps that too.
 */
#ifndef OFFLOAD_BASE_CAPABILITY_H
#define OFFLOAD_BASE_CAPABILITY_H

#include <stdbool.h>
#include <stddef.h>

/* Capabilities, as a set. */
enum capability {
	CAPABILITY_NET_ADMIN = 1,
	CAPABILITY_BPF = 2,
	CAPABILITY_PERFMON = 4,
};

/**
 * Lets the calling thread keep these, and what the change itself takes, when the
 * process changes its user.
 */
void capability_keep(unsigned int set);

/**
 * Makes these the only capabilities of the calling thread, in effect. 0, or
 * -EPERM if the thread does not have them all.
 */
int capability_reduce(unsigned int set);

/**
 * Has the calling thread do without CAP_BPF, and what stands for it, or have it
 * again. 0 or -errno.
 */
int capability_without_bpf(bool without);

/**
 * Puts what the program takes into effect where it is permitted only, as the
 * capabilities of a file may be that has to start without them as well. Before
 * other threads are made.
 */
void capability_raise(void);

/**
 * Names those that the calling thread lacks to load and attach the program, with
 * " and " or ", " between them. False, with nothing written, if it lacks none.
 */
bool capability_missing(char *names, size_t size);

#endif
