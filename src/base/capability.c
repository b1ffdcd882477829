/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/capability.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"

#ifndef CAP_PERFMON
#define CAP_PERFMON 38 /* Linux 5.8 */
#define CAP_BPF 39
#endif

struct capabilities {
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
};

/*
 * The calling thread's capabilities, by system call: libc has no function for it, and libcap's
 * does no more than this.
 */
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

static const struct {
	enum capability privilege;
	int capability;
	const char *name;
} known[] = {
	{ CAPABILITY_BPF, CAP_BPF, "CAP_BPF" },
	{ CAPABILITY_NET_ADMIN, CAP_NET_ADMIN, "CAP_NET_ADMIN" },
	{ CAPABILITY_PERFMON, CAP_PERFMON, "CAP_PERFMON" },
};
#define KNOWN (sizeof(known) / sizeof(known[0]))

/* Makes a capability permitted and effective in `reduced` if it is permitted in `have`. */
static void pass_on(const struct capabilities *have, int capability, struct capabilities *reduced)
{
	int index = CAP_TO_INDEX(capability);
	__u32 bit = have->data[index].permitted & CAP_TO_MASK(capability);

	reduced->data[index].permitted |= bit;
	reduced->data[index].effective |= bit;
}

static int reduce(unsigned int set, bool change_user)
{
	struct capabilities have, reduced = { 0 };
	int error = capabilities_get(&have);

	if (error)
		return error;
	for (size_t i = 0; i < KNOWN; i++) {
		if (set & known[i].privilege)
			pass_on(&have, known[i].capability, &reduced);
	}
	if (change_user) {
		pass_on(&have, CAP_SETUID, &reduced);
		pass_on(&have, CAP_SETGID, &reduced);
	}
	return capabilities_set(&reduced);
}

void capability_keep(unsigned int set)
{
	int error = prctl(PR_SET_KEEPCAPS, 1L) ? -errno : reduce(set, true);

	if (error)
		log_line(LOG_LEVEL_WARNING,
			 "the offload's thread may lose its capabilities when the server gives up root: prctl or capset "
			 "failed: %s; if it does, another line says so",
			 strerror(-error));
}

int capability_reduce(unsigned int set)
{
	struct capabilities have;
	int error = reduce(set, false);

	if (!error)
		error = capabilities_get(&have);
	if (error)
		return error;
	for (size_t i = 0; i < KNOWN; i++) {
		if (set & known[i].privilege && !in_effect(&have, known[i].capability))
			return -EPERM;
	}
	return 0;
}

int capability_without_bpf(bool without)
{
	static const int with_bpf[] = { CAP_BPF, CAP_SYS_ADMIN };
	struct capabilities have;
	int error = capabilities_get(&have);

	if (error)
		return error;
	for (size_t i = 0; i < sizeof(with_bpf) / sizeof(with_bpf[0]); i++) {
		struct __user_cap_data_struct *data = &have.data[CAP_TO_INDEX(with_bpf[i])];
		__u32 bit = CAP_TO_MASK(with_bpf[i]);

		data->effective &= ~bit;
		if (!without)
			data->effective |= data->permitted & bit;
	}
	return capabilities_set(&have);
}

void capability_raise(void)
{
	struct capabilities have;
	int error = capabilities_get(&have);

	for (size_t i = 0; !error && i < KNOWN; i++) {
		struct __user_cap_data_struct *data = &have.data[CAP_TO_INDEX(known[i].capability)];

		data->effective |= data->permitted & CAP_TO_MASK(known[i].capability);
	}
	if (!error)
		error = capabilities_set(&have);
	if (error)
		log_line(LOG_LEVEL_WARNING,
			 "the capabilities that the server's file permits are not put into effect: capget or capset failed: "
			 "%s; if one is missing for the offload, another line names it",
			 strerror(-error));
}

/*
 * Takes the three out of all sets. Returns whether there was one. The kernel takes out of the ambient
 * set what is not inheritable any more, and effective is only what is permitted.
 */
static bool take_out(struct capabilities *capabilities)
{
	bool any = false;

	for (size_t i = 0; i < KNOWN; i++) {
		struct __user_cap_data_struct *data = &capabilities->data[CAP_TO_INDEX(known[i].capability)];
		__u32 bit = CAP_TO_MASK(known[i].capability);

		any = any || (data->permitted | data->inheritable) & bit;
		data->effective &= ~bit;
		data->permitted &= ~bit;
		data->inheritable &= ~bit;
	}
	return any;
}

void capability_give_up(void)
{
	struct capabilities have;
	int error = capabilities_get(&have);

	if (!error && take_out(&have))
		error = capabilities_set(&have);
	if (error)
		log_line(LOG_LEVEL_WARNING,
			 "coturn's threads keep CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON, as far as the server was started with "
			 "them: capget or capset failed: %s; no thread of coturn needs them: let the sandbox allow both "
			 "system calls",
			 strerror(-error));
}

/* Until Linux 5.8, CAP_BPF and CAP_PERFMON were parts of CAP_SYS_ADMIN, which still includes them. */
static bool has(uint64_t set, int capability)
{
	return set & UINT64_C(1) << capability ||
	       (capability != CAP_NET_ADMIN && set & UINT64_C(1) << CAP_SYS_ADMIN);
}

bool capability_missing_in(uint64_t set, char *names, size_t size)
{
	const char *missing[KNOWN] = { NULL };
	size_t count = 0, used = 0;

	for (size_t i = 0; i < KNOWN; i++) {
		if (!has(set, known[i].capability))
			missing[count++] = known[i].name;
	}
	for (size_t i = 0; i < count && used < size; i++)
		used += (size_t)snprintf(names + used, size - used, "%s%s", missing[i],
					 i + 1 == count ? "" : i + 2 == count ? " and " :
										", ");
	return count > 0;
}

bool capability_missing(char *names, size_t size)
{
	struct capabilities have;

	if (capabilities_get(&have))
		return false;
	return capability_missing_in((uint64_t)have.data[1].effective << 32 | have.data[0].effective, names, size);
}
