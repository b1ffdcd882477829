/* SPDX-License-Identifier: BSD-3-Clause */
#include "channel/source_address.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

int source_address_find(const union endpoint *remote, union endpoint *local)
{
	socklen_t size = remote->any.sa_family == AF_INET6 ? sizeof(remote->v6) : sizeof(remote->v4);
	int fd = socket(remote->any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	union endpoint found;
	int error = 0;

	if (fd < 0)
		return -errno;
	if (connect(fd, &remote->any, size) || getsockname(fd, &found.any, &size))
		error = -errno;
	close(fd);
	if (error)
		return error;
	if (found.any.sa_family == AF_INET6)
		local->v6.sin6_addr = found.v6.sin6_addr;
	else
		local->v4.sin_addr = found.v4.sin_addr;
	return 0;
}
