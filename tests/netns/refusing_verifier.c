/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Preloaded, it refuses each XDP program of some length as the kernel's verifier does: with
 * EACCES, and with a log of 100 lines if there is room for it. The last line of the log is
 * the reason.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/syscall.h>

typedef long system_call(long number, ...);

/* libbpf itself loads short ones, to find out what the kernel has. */
#define LONG_PROGRAM 100

static long refuse(const union bpf_attr *attr)
{
	char *log = (char *)(unsigned long)attr->log_buf;
	int used = 0, room = (int)attr->log_size;

	for (int line = 1; log && line <= 100 && used < room; line++)
		used += snprintf(log + used, (size_t)(room - used), "%d: (b7) r0 = %d\n", line, line);
	if (log && used < room)
		snprintf(log + used, (size_t)(room - used), "invalid access to packet, off=0 size=1\n");
	errno = EACCES;
	return -1;
}

long syscall(long number, ...)
{
	system_call *call = (system_call *)dlsym(RTLD_NEXT, "syscall");
	const union bpf_attr *attr;
	long word[6];
	va_list words;

	va_start(words, number);
	for (int i = 0; i < 6; i++)
		word[i] = va_arg(words, long);
	va_end(words);
	attr = (const union bpf_attr *)word[1];
	if (number == SYS_bpf && word[0] == BPF_PROG_LOAD && attr->prog_type == BPF_PROG_TYPE_XDP &&
	    attr->insn_cnt >= LONG_PROGRAM)
		return refuse(attr);
	return call(number, word[0], word[1], word[2], word[3], word[4], word[5]);
}
