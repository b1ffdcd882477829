/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Preloaded, it makes whoever closes a relay's socket (UDP, from port 49152 on) wait
 * a second before it goes on, so that what is done before and after can be told apart.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

static bool is_relay(int fd)
{
	struct sockaddr_in name = { 0 };
	socklen_t size = sizeof(name), type_size = sizeof(int);
	int type = 0;

	return !getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_size) && type == SOCK_DGRAM &&
	       !getsockname(fd, (struct sockaddr *)&name, &size) && name.sin_family == AF_INET &&
	       ntohs(name.sin_port) >= 49152;
}

int close(int fd)
{
	int (*next)(int) = (int (*)(int))dlsym(RTLD_NEXT, "close");
	bool relay = is_relay(fd);
	int result = next(fd);

	if (relay)
		usleep(1000000);
	return result;
}
