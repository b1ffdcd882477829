/* SPDX-License-Identifier: BSD-3-Clause */
/* Offers the client's datagrams as fast as one CPU can. */
#ifndef BENCH_GENERATOR_H
#define BENCH_GENERATOR_H

struct generator;

struct generator_config {
	const char *flows;      /* file, as turn_client prints it; channel 0: plain UDP */
	const char *ifname;     /* in this thread's network namespace */
	const char *server_mac;
	unsigned int payload;   /* bytes of application data in a datagram */
	int cpu;
};

/* Loads the program and its datagrams. Returns 0 or -errno. */
int generator_open(const struct generator_config *config, struct generator **generator);

/*
 * Starts the thread, in the caller's network namespace and on the CPU given.
 * The generator is ended only by generator_stop(). Returns 0 or -errno.
 */
int generator_start(struct generator *generator);

/* Datagrams offered up to now. */
unsigned long long generator_offered(const struct generator *generator);

/* Ends the thread. Returns 0 or the -errno with which the kernel ended it. */
int generator_stop(struct generator *generator);

void generator_close(struct generator *generator);

#endif
