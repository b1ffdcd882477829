/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The capabilities (capabilities(7)) that the offload needs. All of them are needed for its
 * start only, and coturn's threads never need one. But the thread that looks after next
 * hops needs CAP_NET_ADMIN for as long as the server runs, because it asks the kernel to
 * confirm neighbours. Kernels before 5.19 may also require CAP_BPF of whoever changes a table
 * that is loaded already, or attaches the program; then that thread keeps CAP_BPF too.
 */
#ifndef OFFLOAD_BASE_CAPABILITY_H
#define OFFLOAD_BASE_CAPABILITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bits of a set of capabilities. */
enum capability {
	CAPABILITY_NET_ADMIN = 1,
	CAPABILITY_BPF = 2,
	CAPABILITY_PERFMON = 4,
};

/**
 * Lets the calling thread keep the capabilities in `set` when the process changes its
 * user (PR_SET_KEEPCAPS of prctl(2)). CAP_SETUID and CAP_SETGID, which the change itself
 * needs, are kept as well; all others are dropped now. A failure is logged: the
 * thread then loses the capabilities when the user changes.
 */
void capability_keep(unsigned int set);

/**
 * Drops all capabilities of the calling thread but those in `set`, and puts these into
 * effect. Returns 0; -EPERM if the thread does not have all of `set`; or another -errno
 * of capget(2) or capset(2).
 */
int capability_reduce(unsigned int set);

/**
 * `without` true: takes CAP_BPF, and CAP_SYS_ADMIN which includes it, out of effect for
 * the calling thread. False: puts what is permitted of them into effect again. Returns 0 or
 * -errno.
 */
int capability_without_bpf(bool without);

/**
 * Puts the three capabilities of enum capability into effect where they are only
 * permitted. A program file can have capabilities that are only permitted (setcap(8)), so
 * that it also starts where it may not have them. A failure is logged. To be called before
 * other threads are made, which inherit the result.
 */
void capability_raise(void);

/**
 * Gives up the three capabilities of enum capability, which only the offload takes: in the
 * effective, permitted, inheritable and ambient set of the calling thread. All others stay
 * as they are. A failure is logged. To be called before other threads are made, which
 * inherit the result.
 */
void capability_give_up(void);

/**
 * Writes the names of those capabilities that the calling thread lacks for loading and
 * attaching the program into `names`, which has `size` bytes: "CAP_BPF, CAP_NET_ADMIN and
 * CAP_PERFMON". Returns false, and writes nothing, if it lacks none.
 */
bool capability_missing(char *names, size_t size);

/** The same for a set of effective capabilities, in which each is the bit of its number (linux/capability.h). */
bool capability_missing_in(uint64_t set, char *names, size_t size);

#endif
