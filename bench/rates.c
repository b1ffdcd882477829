// SPDX-License-Identifier: BSD-3-Clause
/*
 * How fast the server takes requests, pipelined, and what they cost it: Allocate,
 * ChannelBind, ChannelBind again (a refresh), Refresh, and the end of all of it,
 * which coturn does about a second after its answer. Prints name=value words:
 * requests per second, CPU µs of the server per request (per channel for
 * channels and their end), and its memory.
 *
 * usage: rates LOCAL PORT SERVER PORT PEER PORT CLIENTS CHANNELS PID
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clients.h"

#define LIFETIME 600
/* Until allocations that have been ended are gone. */
#define END_SECONDS 3

static double seconds_of(clockid_t clock)
{
	struct timespec now = {};

	clock_gettime(clock, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

static double cpu_of(pid_t pid)
{
	clockid_t clock;

	return clock_getcpuclockid(pid, &clock) ? 0 : seconds_of(clock);
}

/* Resident memory in KiB. */
static long memory_of(pid_t pid)
{
	char line[256], path[64];
	long kib = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file = fopen(path, "r");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "VmRSS: %ld", &kib) == 1)
			break;
	if (file)
		fclose(file);
	return kib;
}

struct phase {
	const char *name;
	int (*run)(struct clients *clients);
	int per_channel; /* requests: one per channel, else one per client */
	int cost_per_channel;
	unsigned int wait; /* seconds, for what the server does after its answers */
};

static int refresh(struct clients *clients)
{
	return clients_refresh(clients, LIFETIME);
}

static int end(struct clients *clients)
{
	return clients_refresh(clients, 0);
}

static const struct phase phases[] = {
	{ "allocate", clients_allocate, 0, 0, 0 },
	{ "bind", clients_bind, 1, 1, 0 },
	{ "rebind", clients_bind, 1, 1, 0 },
	{ "refresh", refresh, 0, 0, 0 },
	{ "delete", end, 0, 1, END_SECONDS },
};

static int phase_run(const struct phase *phase, struct clients *clients, pid_t pid)
{
	double start = seconds_of(CLOCK_MONOTONIC), cpu = cpu_of(pid), time;
	double channels = (double)clients->count * clients->channels;
	double requests = phase->per_channel ? channels : clients->count;
	int error = phase->run(clients);

	time = seconds_of(CLOCK_MONOTONIC) - start;
	if (error) {
		fprintf(stderr, "rates: %s: %s\n", phase->name, strerror(-error));
		return 1;
	}
	sleep(phase->wait);
	printf("%s_rate=%.0f %s_cpu=%.3f %s_rss=%ld ", phase->name, requests / time, phase->name,
	       1e6 * (cpu_of(pid) - cpu) / (phase->cost_per_channel ? channels : requests), phase->name,
	       memory_of(pid));
	return 0;
}

int main(int argc, char **argv)
{
	struct clients clients;
	pid_t pid;
	int error;

	if (argc != 10) {
		fputs("usage: rates LOCAL PORT SERVER PORT PEER PORT CLIENTS CHANNELS PID\n", stderr);
		return 2;
	}
	pid = atoi(argv[9]);
	error = clients_open(argv + 1, &clients);
	if (error) {
		fprintf(stderr, "rates: socket: %s\n", strerror(-error));
		return 1;
	}
	for (unsigned int i = 0; i < sizeof(phases) / sizeof(*phases) && !error; i++)
		error = phase_run(&phases[i], &clients, pid);
	puts("");
	return error;
}
