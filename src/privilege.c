/* SPDX-License-Identifier: BSD-3-Clause */
#include "privilege.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef CAP_PERFMON
#define CAP_PERFMON 38 /* Linux 5.8 */
#define CAP_BPF 39
#endif

struct capabilities {
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
};

/* By system call: libc has no call, and libcap's is for the same one thread. */
static int capabilities_get(struct capabilities *capabilities)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };

	return syscall(SYS_capget, &header, capabilities->data) ? -errno : 0;
}

static int capabilities_set(const struct capabilities *capabilities)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };

	return syscall(SYS_capset, &header, capabilities->data) ? -errno : 0;
}

static bool in_effect(const struct capabilities *capabilities, int capability)
{
	return capabilities->data[CAP_TO_INDEX(capability)].effective & CAP_TO_MASK(capability);
}

/* Both permitted and effective; only of those that are permitted already. */
static int capabilities_reduce(const int *kept, int count)
{
	struct capabilities have, reduced = { 0 };
	int error = capabilities_get(&have);

	if (error)
		return error;
	for (int i = 0; i < count; i++) {
		int index = CAP_TO_INDEX(kept[i]);
		__u32 bit = have.data[index].permitted & CAP_TO_MASK(kept[i]);

		reduced.data[index].permitted |= bit;
		reduced.data[index].effective |= bit;
	}
	return capabilities_set(&reduced);
}

void privilege_keep(void)
{
	static const int kept[] = { CAP_NET_ADMIN, CAP_SETUID, CAP_SETGID };

	prctl(PR_SET_KEEPCAPS, 1L);
	capabilities_reduce(kept, sizeof(kept) / sizeof(kept[0]));
}

int privilege_net_admin(void)
{
	static const int kept[] = { CAP_NET_ADMIN };
	struct capabilities have;
	int error = capabilities_reduce(kept, 1);

	if (!error)
		error = capabilities_get(&have);
	if (error)
		return error;
	return in_effect(&have, CAP_NET_ADMIN) ? 0 : -EPERM;
}

bool privilege_can_load(void)
{
	struct capabilities have;

	if (capabilities_get(&have))
		return false;
	if (!in_effect(&have, CAP_NET_ADMIN))
		return false;
	return in_effect(&have, CAP_SYS_ADMIN) ||
	       (in_effect(&have, CAP_BPF) && in_effect(&have, CAP_PERFMON));
}
