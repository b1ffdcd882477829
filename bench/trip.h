/* SPDX-License-Identifier: BSD-3-Clause */
/* What the two ways to measure round trips share: their command line, and the channel. */
#ifndef BENCH_TRIP_H
#define BENCH_TRIP_H

#define TRIP_CHANNEL 0x4000

struct trip {
	const char *client_netns, *client_if, *peer_netns, *peer_if, *server_netns, *server_if;
	const char *server_mac;           /* of the server's interface towards the client */
	const char *local, *server, *peer; /* addresses; no server: directly to the peer */
	unsigned int local_port, server_port, peer_port;
	unsigned int payload; /* bytes of data */
	double seconds;
	int offload; /* the server's XDP program is to relay it */
};

/* Reads the command line; exits if it is incomplete. */
void trip_read(int argc, char **argv, struct trip *trip);

/*
 * A socket from the local address, with a channel to the peer if there is a
 * server. Returns it, or -errno.
 */
int trip_channel(const struct trip *trip);

#endif
