/* SPDX-License-Identifier: BSD-3-Clause */
#include "privilege.h"

#include <errno.h>
#include <linux/capability.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * Programs and tables are opened by their ids, which takes CAP_SYS_ADMIN. The process that
 * has the program open is found in /proc/PID/fdinfo. For a process of another user, or with
 * more capabilities, this takes CAP_SYS_PTRACE, and before Linux 5.14 CAP_DAC_READ_SEARCH.
 */
static const int looking[] = { CAP_SYS_ADMIN, CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH };

/*
 * Without CAP_SETPCAP the bounding set stays. It then has no effect, because with
 * no_new_privs no program that the process runs gains a capability.
 */
static void drop_bounding_set(void)
{
	for (unsigned long i = 0; prctl(PR_CAPBSET_READ, i) >= 0; i++)
		prctl(PR_CAPBSET_DROP, i);
}

/* Gives up all but `count` capabilities. */
static int reduce_to(const int *kept, size_t count)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct have[_LINUX_CAPABILITY_U32S_3];
	struct __user_cap_data_struct reduced[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (syscall(SYS_capget, &header, have))
		return -errno;
	for (size_t i = 0; i < count; i++) {
		int index = CAP_TO_INDEX(kept[i]);
		__u32 bit = have[index].permitted & CAP_TO_MASK(kept[i]);

		reduced[index].permitted |= bit;
		reduced[index].effective |= bit;
	}
	drop_bounding_set();
	/* The kernel takes out of the ambient set what is no longer inheritable. */
	if (syscall(SYS_capset, &header, reduced) || prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L))
		return -errno;
	return 0;
}

int privilege_reduce(void)
{
	return reduce_to(looking, sizeof(looking) / sizeof(looking[0]));
}

int privilege_give_up(void)
{
	return reduce_to(NULL, 0);
}
