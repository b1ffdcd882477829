/* SPDX-License-Identifier: BSD-3-Clause */
/* Offers the datagrams of client and peers, as fast as its CPUs can or at a given rate. */
#ifndef BENCH_GENERATOR_H
#define BENCH_GENERATOR_H

#include "frame.h"

struct generator;

/* One end of the server: where frames enter. */
struct generator_port {
	const char *netns, *ifname;
	const char *server_mac; /* of the server's interface at the other end */
};

struct generator_config {
	const char *flows;                 /* file, as turn_client prints it; channel 0: plain UDP */
	struct generator_port port[WAYS];  /* [TO_PEER] is the client's */
	unsigned int ways;                 /* bit mask of 1 << enum way */
	unsigned int payload;              /* bytes of application data in a datagram */
	const char *peer, *relay;          /* addresses of what comes from peers */
	int cpu_first, cpus;               /* one thread on each CPU */
	unsigned int headroom;             /* bytes before a frame, as a card leaves them; 0: as many as XDP wants */
	int yields;                        /* to whatever else wants to run there */
};

/* Loads the program and its datagrams. Returns 0 or -errno. */
int generator_open(const struct generator_config *config, struct generator **generator);

/*
 * Starts a thread on each CPU; they are ended only by generator_stop(). Sends
 * nothing until it has a rate. Returns 0 or -errno.
 */
int generator_start(struct generator *generator);

#define GENERATOR_NONE 0.0
#define GENERATOR_ALL -1.0 /* as many as it can */

/* Datagrams per second from now on, both ways and all CPUs together. */
void generator_rate(struct generator *generator, double rate);

/* Datagrams offered up to now, by way. */
void generator_offered(const struct generator *generator, unsigned long long offered[WAYS]);

/* Ends the threads. Returns 0 or the -errno with which the kernel ended one. */
int generator_stop(struct generator *generator);

void generator_close(struct generator *generator);

#endif
