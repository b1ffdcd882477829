// SPDX-License-Identifier: BSD-3-Clause
/* The peer of the round trips: sends every datagram back where it came from. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "turn.h"

int main(int argc, char **argv)
{
	struct sockaddr_in local, from;
	unsigned char data[2048];
	int fd;

	if (argc != 3) {
		fputs("usage: echo ADDRESS PORT\n", stderr);
		return 2;
	}
	local = address_of(argv[1], atoi(argv[2]));
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&local, sizeof(local))) {
		fprintf(stderr, "echo: %s\n", strerror(errno));
		return 1;
	}
	for (;;) {
		socklen_t size = sizeof(from);
		ssize_t got = recvfrom(fd, data, sizeof(data), 0, (struct sockaddr *)&from, &size);
		if (got >= 0)
			sendto(fd, data, got, 0, (struct sockaddr *)&from, size);
	}
}
