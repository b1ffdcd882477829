/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Preloaded, it makes bpf(2) what it is before Linux 5.19 where
 * kernel.unprivileged_bpf_disabled is not 0: every command takes CAP_BPF or
 * CAP_SYS_ADMIN of the thread that calls.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <linux/capability.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/syscall.h>

typedef long system_call(long number, ...);

static bool in_effect(const struct __user_cap_data_struct *data, int capability)
{
	return data[CAP_TO_INDEX(capability)].effective & CAP_TO_MASK(capability);
}

static bool is_capable(system_call *call)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	return !call(SYS_capget, &header, data) && (in_effect(data, 39) || in_effect(data, CAP_SYS_ADMIN));
}

long syscall(long number, ...)
{
	system_call *call = (system_call *)dlsym(RTLD_NEXT, "syscall");
	long word[6];
	va_list words;

	va_start(words, number);
	for (int i = 0; i < 6; i++)
		word[i] = va_arg(words, long);
	va_end(words);
	if (number == SYS_bpf && !is_capable(call)) {
		errno = EPERM;
		return -1;
	}
	return call(number, word[0], word[1], word[2], word[3], word[4], word[5]);
}
