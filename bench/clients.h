/* SPDX-License-Identifier: BSD-3-Clause */
/* Many clients with as many channels each, their requests pipelined. */
#ifndef BENCH_CLIENTS_H
#define BENCH_CLIENTS_H

#include <netinet/in.h>

#define CLIENTS_FIRST_CHANNEL 0x4000
/*
 * Ports of peers, after which they come again: a prime, so that no allocation
 * meets one twice. No two clients share one before, as --multiplex-peer demands.
 */
#define CLIENTS_PEERS 32749

struct clients {
	struct sockaddr_in local, server, peer; /* ports of clients and peers count up from these */
	unsigned int count, channels;           /* channels of each client */
	int *fds;
	struct sockaddr_in *relays;
};

/* From the words LOCAL PORT SERVER PORT PEER PORT CLIENTS CHANNELS. Opens the sockets. 0 or -errno. */
int clients_open(char **words, struct clients *clients);

/* Allocate for each. These return 0 or -errno. */
int clients_allocate(struct clients *clients);

/* ChannelBind for each channel, which refreshes those that are bound. */
int clients_bind(struct clients *clients);

/* Refresh of each allocation; 0 s ends them. */
int clients_refresh(struct clients *clients, unsigned int seconds);

#endif
