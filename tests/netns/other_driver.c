/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A library to be preloaded: all network devices are of the driver $DRIVER, by what ethtool says of them. With
 * $SILENT=yes the kernel does not tell what drivers can do with XDP, as before Linux 6.3. With $LINEAR=yes it
 * has no programs for frames of several buffers.
 */
#include "system_call.h"

#include <linux/ethtool.h>
#include <linux/netlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* From linux/bpf.h since Linux 5.18. */
#ifndef BPF_F_XDP_HAS_FRAGS
#define BPF_F_XDP_HAS_FRAGS (1U << 5)
#endif

static bool says_yes(const char *name)
{
	const char *value = getenv(name);

	return value && !strcmp(value, "yes");
}

static long answer(const struct system_call *call)
{
	const union bpf_attr *program = loaded(call);

	if (program && program->prog_flags & BPF_F_XDP_HAS_FRAGS && says_yes("LINEAR"))
		return refuse(EINVAL);
	return pass_on(call);
}

int ioctl(int fd, unsigned long request, ...)
{
	const char *driver = getenv("DRIVER");
	struct ethtool_drvinfo *info;
	va_list rest;
	void *argument;
	long result;

	va_start(rest, request);
	argument = va_arg(rest, void *);
	va_end(rest);
	result = syscall(SYS_ioctl, fd, request, argument);
	if (result || request != SIOCETHTOOL || !driver)
		return (int)result;
	info = ((struct ifreq *)argument)->ifr_data ? (void *)((struct ifreq *)argument)->ifr_data : NULL;
	if (info && info->cmd == ETHTOOL_GDRVINFO)
		snprintf(info->driver, sizeof(info->driver), "%s", driver);
	return 0;
}

int socket(int domain, int type, int protocol)
{
	if (domain == AF_NETLINK && protocol == NETLINK_GENERIC && says_yes("SILENT"))
		return (int)refuse(EPROTONOSUPPORT);
	return (int)syscall(SYS_socket, domain, type, protocol);
}
