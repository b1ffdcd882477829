/* SPDX-License-Identifier: BSD-3-Clause */
/* Moves a test into a network namespace of its own. Include it first, because it needs _GNU_SOURCE. */
#ifndef NETWORK_NAMESPACE_H
#define NETWORK_NAMESPACE_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* unshare */
#endif
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "netlink/request.h"

/*
 * Moves the process into a new network namespace. A user who is not root gets one in a new user namespace, where he is
 * root; root itself does not need that, and may not get it in a chroot. Returns NULL, or why it is not possible.
 */
static inline const char *network_namespace_enter(void)
{
	int fd, length, written;
	char map[64];

	length = snprintf(map, sizeof(map), "0 %u 1\n", (unsigned int)geteuid());
	/* Sockets of the namespace before would still ask there. */
	request_socket_forget_own();
	setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1);
	if (!unshare(CLONE_NEWNET))
		return NULL;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET))
		return "the kernel allows no network namespace here";
	fd = open("/proc/self/uid_map", O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return "the user cannot be mapped into the namespace";
	written = (int)write(fd, map, (size_t)length);
	close(fd);
	return written == length ? NULL : "the user cannot be mapped into the namespace";
}

#endif
