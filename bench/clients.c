// SPDX-License-Identifier: BSD-3-Clause
#include "clients.h"

#include <errno.h>
#include <stdlib.h>

#include "pipeline.h"
#include "turn.h"

#define WINDOW 64

struct refresh {
	unsigned int seconds;
};

static struct sockaddr_in port_add(const struct sockaddr_in *first, unsigned int index)
{
	struct sockaddr_in address = *first;

	address.sin_port = htons((uint16_t)(ntohs(first->sin_port) + index));
	return address;
}

int clients_open(char **words, struct clients *clients)
{
	*clients = (struct clients){
		.local = address_of(words[0], (unsigned int)atoi(words[1])),
		.server = address_of(words[2], (unsigned int)atoi(words[3])),
		.peer = address_of(words[4], (unsigned int)atoi(words[5])),
		.count = (unsigned int)atoi(words[6]),
		.channels = (unsigned int)atoi(words[7]),
	};
	clients->fds = calloc(clients->count, sizeof(*clients->fds));
	clients->relays = calloc(clients->count, sizeof(*clients->relays));
	if (!clients->fds || !clients->relays || !clients->count)
		return -ENOMEM;
	for (unsigned int i = 0; i < clients->count; i++) {
		struct sockaddr_in local = port_add(&clients->local, i);

		clients->fds[i] = turn_socket(&local, &clients->server);
		if (clients->fds[i] < 0)
			return clients->fds[i];
	}
	return 0;
}

static int requests_run(const struct clients *clients, unsigned int count, void *context,
			void (*make)(void *, unsigned int, struct turn_message *),
			int (*take)(void *, unsigned int, const struct turn_message *))
{
	const struct pipeline pipeline = {
		.fds = clients->fds,
		.fd_count = clients->count,
		.count = count,
		.window = WINDOW,
		.context = context,
		.make = make,
		.take = take,
	};

	return pipeline_run(&pipeline);
}

static void allocate_make(void *context, unsigned int i, struct turn_message *request)
{
	(void)context;
	(void)i;
	turn_allocate_make(request);
}

static int allocate_take(void *context, unsigned int i, const struct turn_message *response)
{
	struct clients *clients = context;

	return turn_relayed(response, &clients->relays[i]);
}

static void bind_make(void *context, unsigned int i, struct turn_message *request)
{
	const struct clients *clients = context;
	unsigned int channel = i / clients->count;
	struct sockaddr_in peer = port_add(&clients->peer, i % CLIENTS_PEERS);

	turn_bind_make(request, (unsigned short)(CLIENTS_FIRST_CHANNEL + channel), &peer);
}

static void refresh_make(void *context, unsigned int i, struct turn_message *request)
{
	const struct refresh *refresh = context;

	(void)i;
	turn_refresh_make(request, refresh->seconds);
}

int clients_allocate(struct clients *clients)
{
	return requests_run(clients, clients->count, clients, allocate_make, allocate_take);
}

int clients_bind(struct clients *clients)
{
	return requests_run(clients, clients->count * clients->channels, clients, bind_make, NULL);
}

int clients_refresh(struct clients *clients, unsigned int seconds)
{
	struct refresh refresh = { seconds };

	return requests_run(clients, clients->count, &refresh, refresh_make, NULL);
}
