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
#include <string.h>
#include <unistd.h>

#include "clients.h"

/* Allocations and channels live 600 s by default, permissions 300 s. */
#define LIFETIME 600
#define REFRESH_MS 120000

static int fail(const char *what, int error)
{
	fprintf(stderr, "turn_client: %s: %s\n", what, strerror(-error));
	return 1;
}

static void flows_print(const struct clients *clients)
{
	char local[16], server[16];

	inet_ntop(AF_INET, &clients->local.sin_addr, local, sizeof(local));
	inet_ntop(AF_INET, &clients->server.sin_addr, server, sizeof(server));
	for (unsigned int i = 0; i < clients->count; i++)
		for (unsigned int c = 0; c < clients->channels; c++)
			printf("%s %u %s %u %u %u %u\n", local, ntohs(clients->local.sin_port) + i, server,
			       ntohs(clients->server.sin_port), CLIENTS_FIRST_CHANNEL + c,
			       ntohs(clients->peer.sin_port) + (c * clients->count + i) % CLIENTS_PEERS,
			       ntohs(clients->relays[i].sin_port));
	puts("ready");
	fflush(stdout);
}

static int hold(struct clients *clients)
{
	struct pollfd in = { .fd = 0, .events = POLLIN };
	char buffer[256];
	int error = 0;

	while (!error) {
		if (!poll(&in, 1, REFRESH_MS)) {
			error = clients_refresh(clients, LIFETIME);
			if (!error)
				error = clients_bind(clients);
		} else if (read(0, buffer, sizeof(buffer)) <= 0) {
			break;
		}
	}
	return error;
}

int main(int argc, char **argv)
{
	struct clients clients;
	int error;

	if (argc != 9) {
		fputs("usage: turn_client LOCAL PORT SERVER PORT PEER PORT CLIENTS CHANNELS\n", stderr);
		return 2;
	}
	error = clients_open(argv + 1, &clients);
	if (error)
		return fail("socket", error);
	error = clients_allocate(&clients);
	if (error)
		return fail("Allocate", error);
	error = clients_bind(&clients);
	if (error)
		return fail("ChannelBind", error);
	flows_print(&clients);
	error = hold(&clients);
	if (error)
		return fail("refresh", error);
	error = clients_refresh(&clients, 0);
	return error ? fail("end", error) : 0;
}
