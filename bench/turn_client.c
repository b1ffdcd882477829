// SPDX-License-Identifier: BSD-3-Clause
/*
 * Allocates and binds channels, says on stdout which, and keeps them until
 * stdin closes. Others send over them from the same five-tuples meanwhile.
 *
 * One line per channel, the flows that `throughput` reads:
 *   client-address client-port server-address server-port channel peer-port relay-port
 * and then a line "ready".
 */
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "turn.h"

/* Allocations and channels live 600 s by default, permissions 300 s. */
#define LIFETIME 600
#define REFRESH_MS 120000
#define FIRST_CHANNEL 0x4000

static struct sockaddr_in peer_of(const struct sockaddr_in *first, unsigned int index)
{
	struct sockaddr_in peer = *first;

	peer.sin_port = htons(ntohs(first->sin_port) + index);
	return peer;
}

static int channels_bind(int fd, const struct sockaddr_in *first_peer, unsigned int channels)
{
	int error = 0;

	for (unsigned int i = 0; i < channels && !error; i++) {
		struct sockaddr_in peer = peer_of(first_peer, i);

		error = turn_bind(fd, FIRST_CHANNEL + i, &peer);
	}
	return error;
}

static int fail(const char *what, int error)
{
	fprintf(stderr, "turn_client: %s: %s\n", what, strerror(-error));
	return 1;
}

int main(int argc, char **argv)
{
	struct pollfd in = { .fd = 0, .events = POLLIN };
	struct sockaddr_in local, server, peer, relay;
	unsigned int clients, channels;
	char buffer[256], local_text[16], server_text[16];
	int *fds, error;

	if (argc != 9) {
		fputs("usage: turn_client LOCAL PORT SERVER PORT PEER PORT CLIENTS CHANNELS\n", stderr);
		return 2;
	}
	local = address_of(argv[1], atoi(argv[2]));
	server = address_of(argv[3], atoi(argv[4]));
	peer = address_of(argv[5], atoi(argv[6]));
	clients = atoi(argv[7]);
	channels = atoi(argv[8]);
	inet_ntop(AF_INET, &local.sin_addr, local_text, sizeof(local_text));
	inet_ntop(AF_INET, &server.sin_addr, server_text, sizeof(server_text));
	fds = calloc(clients, sizeof(*fds));
	if (!fds)
		return 1;

	for (unsigned int i = 0; i < clients; i++) {
		fds[i] = turn_socket(&local, &server);
		if (fds[i] < 0)
			return fail("socket", fds[i]);
		error = turn_allocate(fds[i], &relay);
		if (error)
			return fail("Allocate", error);
		error = channels_bind(fds[i], &peer, channels);
		if (error)
			return fail("ChannelBind", error);
		for (unsigned int c = 0; c < channels; c++)
			printf("%s %u %s %u %u %u %u\n", local_text, ntohs(local.sin_port), server_text,
			       ntohs(server.sin_port), FIRST_CHANNEL + c, ntohs(peer.sin_port) + c,
			       ntohs(relay.sin_port));
		local.sin_port = htons(ntohs(local.sin_port) + 1);
	}
	puts("ready");
	fflush(stdout);

	for (;;) {
		if (poll(&in, 1, REFRESH_MS)) {
			if (read(0, buffer, sizeof(buffer)) <= 0)
				break;
			continue;
		}
		for (unsigned int i = 0; i < clients; i++)
			if (turn_refresh(fds[i], LIFETIME) || channels_bind(fds[i], &peer, channels))
				return fail("refresh", -1);
	}
	for (unsigned int i = 0; i < clients; i++)
		turn_refresh(fds[i], 0);
	free(fds);
	return 0;
}
