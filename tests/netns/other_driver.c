/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A library to be preloaded: all network devices are of the driver $DRIVER, by what ethtool says of them. With
 * $SILENT=yes the kernel does not tell what drivers can do with XDP, as before Linux 6.3. With $LINEAR=yes it
 * has no programs for frames of several buffers.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/ethtool.h>
#include <linux/netlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* From linux/bpf.h since Linux 5.18. */
#ifndef BPF_F_XDP_HAS_FRAGS
#define BPF_F_XDP_HAS_FRAGS (1U << 5)
#endif

typedef long system_call(long number, ...);

static long pass_on(long number, const long *word)
{
	system_call *call = (system_call *)dlsym(RTLD_NEXT, "syscall");

	return call(number, word[0], word[1], word[2], word[3], word[4], word[5]);
}

static int says_yes(const char *name)
{
	const char *value = getenv(name);

	return value && !strcmp(value, "yes");
}

long syscall(long number, ...)
{
	const union bpf_attr *attr;
	long word[6];
	va_list words;

	va_start(words, number);
	for (int i = 0; i < 6; i++)
		word[i] = va_arg(words, long);
	va_end(words);
	attr = (const union bpf_attr *)word[1];
	if (number == SYS_bpf && word[0] == BPF_PROG_LOAD && attr->prog_flags & BPF_F_XDP_HAS_FRAGS && says_yes("LINEAR")) {
		errno = EINVAL;
		return -1;
	}
	return pass_on(number, word);
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
	if (domain == AF_NETLINK && protocol == NETLINK_GENERIC && says_yes("SILENT")) {
		errno = EPROTONOSUPPORT;
		return -1;
	}
	return (int)syscall(SYS_socket, domain, type, protocol);
}
