/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * For a preloaded library (preload.py) that answers some system calls in the kernel's place: its answer() gets each
 * call that is made by syscall(3), as libbpf makes them. Include it first, because it needs _GNU_SOURCE.
 */
#ifndef SYSTEM_CALL_H
#define SYSTEM_CALL_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/bpf.h>

struct system_call {
	long number;
	long word[6]; /* the arguments; those that the call does not have are never read */
};

/* What syscall(3) returns. */
static long answer(const struct system_call *call);

/* Has the kernel answer. */
static inline long pass_on(const struct system_call *call)
{
	long (*next)(long, ...) = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
	const long *word = call->word;

	return next(call->number, word[0], word[1], word[2], word[3], word[4], word[5]);
}

static inline long refuse(int error)
{
	errno = error;
	return -1;
}

/* What a BPF program is loaded with, or NULL if the call loads none. */
static inline const union bpf_attr *loaded(const struct system_call *call)
{
	bool loads = call->number == SYS_bpf && call->word[0] == BPF_PROG_LOAD;

	return loads ? (const union bpf_attr *)call->word[1] : NULL;
}

long syscall(long number, ...)
{
	struct system_call call = { .number = number };
	va_list words;

	va_start(words, number);
	for (int i = 0; i < 6; i++)
		call.word[i] = va_arg(words, long);
	va_end(words);
	return answer(&call);
}

#endif
