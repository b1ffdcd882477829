/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Preloaded, it makes bpf(2) what it is before Linux 5.19 where
 * kernel.unprivileged_bpf_disabled is not 0: every command takes CAP_BPF or
 * CAP_SYS_ADMIN of the thread that calls.
 */
#include "system_call.h"

#include <linux/capability.h>

static bool in_effect(const struct __user_cap_data_struct *data, int capability)
{
	return data[CAP_TO_INDEX(capability)].effective & CAP_TO_MASK(capability);
}

static bool is_capable(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
	const struct system_call call = { SYS_capget, { (long)&header, (long)data } };

	return !pass_on(&call) && (in_effect(data, 39) || in_effect(data, CAP_SYS_ADMIN));
}

static long answer(const struct system_call *call)
{
	if (call->number == SYS_bpf && !is_capable())
		return refuse(EPERM);
	return pass_on(call);
}
