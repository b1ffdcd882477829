/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Preloaded, it refuses each XDP program of some length as the kernel's verifier does: with
 * EACCES, and with a log of 100 lines if there is room for it. The last line of the log is
 * the reason.
 */
#include "system_call.h"

#include <stdio.h>

/* libbpf itself loads short ones, to find out what the kernel has. */
#define LONG_PROGRAM 100

static long refuse_with_log(const union bpf_attr *attr)
{
	char *log = (char *)(unsigned long)attr->log_buf;
	int used = 0, room = (int)attr->log_size;

	for (int line = 1; log && line <= 100 && used < room; line++)
		used += snprintf(log + used, (size_t)(room - used), "%d: (b7) r0 = %d\n", line, line);
	if (log && used < room)
		snprintf(log + used, (size_t)(room - used), "invalid access to packet, off=0 size=1\n");
	return refuse(EACCES);
}

static long answer(const struct system_call *call)
{
	const union bpf_attr *program = loaded(call);

	if (program && program->prog_type == BPF_PROG_TYPE_XDP && program->insn_cnt >= LONG_PROGRAM)
		return refuse_with_log(program);
	return pass_on(call);
}
