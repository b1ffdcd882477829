/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Preloaded, it holds up the kernel's answers on netlink sockets that block, as long as the file
 * $LATE_NETLINK exists: if "hang" is in it, whoever waits for an answer waits until the file is gone,
 * whatever the socket's patience is. Otherwise the answer seems not to come within this patience.
 * The answers of that time come afterwards.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum trouble { NO_TROUBLE, NO_ANSWER, HANGS };

static enum trouble trouble_now(void)
{
	const char *path = getenv("LATE_NETLINK");
	int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	char first = 0;

	if (file < 0)
		return NO_TROUBLE;
	if (read(file, &first, 1) < 0)
		first = 0;
	close(file);
	return first == 'h' ? HANGS : NO_ANSWER;
}

static bool waits_for_netlink(int fd)
{
	socklen_t size = sizeof(int);
	int domain = 0;

	return !getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) && domain == AF_NETLINK &&
	       !(fcntl(fd, F_GETFL) & O_NONBLOCK);
}

/* A socket without a patience waits for ever. */
static void wait_in_vain(int fd)
{
	struct timeval patience = { 0 };
	socklen_t size = sizeof(patience);

	getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, &size);
	while (!patience.tv_sec && !patience.tv_usec)
		pause();
	usleep((useconds_t)(patience.tv_sec * 1000000 + patience.tv_usec));
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
	ssize_t (*next)(int, struct msghdr *, int) = (ssize_t (*)(int, struct msghdr *, int))dlsym(RTLD_NEXT, "recvmsg");
	bool netlink = waits_for_netlink(fd);

	while (netlink && trouble_now() == HANGS)
		usleep(10000);
	if (netlink && trouble_now() == NO_ANSWER) {
		wait_in_vain(fd);
		errno = EAGAIN;
		return -1;
	}
	return next(fd, message, flags);
}
