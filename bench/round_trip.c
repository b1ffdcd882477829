// SPDX-License-Identifier: BSD-3-Clause
/*
 * Round trips client → peer → client, one at a time, over a channel or (no
 * server given) directly. Prints name=value words, times in microseconds.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "frame.h"
#include "netns.h"
#include "turn.h"
#include "verdicts.h"

#define CHANNEL 0x4000
/* The first ones resolve neighbours and wake everybody up. */
#define WARM_UP 500

struct options {
	const char *client_netns, *server_netns, *server_if, *local, *server, *peer;
	unsigned int local_port, server_port, peer_port, payload, count;
	double seconds;
	int offload;
};

static double now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1e6 + now.tv_nsec / 1e3;
}

/*
 * One round trip; `header` bytes of ChannelData header come first. Returns its
 * time, or a negative number if the answer did not come.
 */
static double round_trip(int fd, uint8_t *data, unsigned int header, unsigned int size, uint32_t number)
{
	uint8_t answer[2048];
	double start;
	ssize_t got;

	memcpy(data + header, &number, sizeof(number));
	start = now_us();
	if (send(fd, data, size, 0) < 0)
		return -1;
	for (;;) {
		got = recv(fd, answer, sizeof(answer), 0);
		if (got < 0)
			return -1;
		/* A late answer to an earlier one has another number. */
		if (got == size && !memcmp(answer, data, size))
			return now_us() - start;
	}
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Sorts the times. */
static void report(double *times, unsigned int count, unsigned int lost, double share)
{
	double sum = 0, squares = 0, jitter = 0, jitter_sum = 0, average;

	for (unsigned int i = 0; i < count; i++)
		sum += times[i];
	average = sum / count;
	for (unsigned int i = 0; i < count; i++)
		squares += (times[i] - average) * (times[i] - average);
	/* RFC 3550, section 6.4.1, with round trips as the transit times; its mean. */
	for (unsigned int i = 1; i < count; i++) {
		jitter += (fabs(times[i] - times[i - 1]) - jitter) / 16;
		jitter_sum += jitter;
	}
	qsort(times, count, sizeof(*times), compare);
	printf("rtt_avg=%.3f rtt_sd=%.3f rtt_p50=%.3f rtt_p99=%.3f jitter=%.3f", average,
	       sqrt(squares / count), times[count / 2], times[count * 99ull / 100], jitter_sum / count);
	printf(" rtt_count=%u rtt_lost=%u rtt_kernel_share=%.5f\n", count, lost, share);
}

static int fail(const char *what, int error)
{
	fprintf(stderr, "round_trip: %s: %s\n", what, strerror(-error));
	return 1;
}

/* The socket of the round trips, with a channel to the peer if there is a server. */
static int connect_peer(const struct options *options)
{
	struct sockaddr_in local = address_of(options->local, options->local_port);
	struct sockaddr_in peer = address_of(options->peer, options->peer_port), server, relay;
	int fd, error;

	if (!options->server)
		return turn_socket(&local, &peer);
	server = address_of(options->server, options->server_port);
	fd = turn_socket(&local, &server);
	if (fd < 0)
		return fd;
	error = turn_allocate(fd, &relay);
	if (!error)
		error = turn_bind(fd, CHANNEL, &peer);
	return error ? error : fd;
}

/* `times` has room for options->count. */
static int measure(const struct options *options, double *times)
{
	unsigned int header = options->server ? 4 : 0, size = header + options->payload;
	const uint16_t channel_header[2] = { htons(CHANNEL), htons(options->payload) };
	unsigned long long before[VERDICT_ROW] = {}, after[VERDICT_ROW] = {};
	double end = 0, time;
	unsigned int count = 0, lost = 0;
	uint8_t data[4 + PAYLOAD_MAX];
	int fd, error = 0, verdicts = -1;

	if (options->offload) {
		error = netns_enter(options->server_netns);
		verdicts = error ? error : verdicts_open(options->server_if);
		if (verdicts < 0)
			return fail("counters of the server's XDP program", verdicts);
	}
	error = netns_enter(options->client_netns);
	if (error)
		return fail("client", error);
	fd = connect_peer(options);
	if (fd < 0)
		return fail("channel", fd);
	memset(data, PAYLOAD_BYTE, sizeof(data));
	memcpy(data, channel_header, header);

	for (uint32_t i = 0; count < options->count; i++) {
		if (i == WARM_UP) {
			lost = 0;
			end = now_us() + options->seconds * 1e6;
			if (options->offload)
				error = verdicts_read(verdicts, before);
		}
		time = round_trip(fd, data, header, size, i);
		lost += time < 0;
		if (i >= WARM_UP && time >= 0)
			times[count++] = time;
		if ((i >= WARM_UP && now_us() > end) || lost > WARM_UP / 10)
			break;
	}
	if (options->offload && !error)
		error = verdicts_read(verdicts, after);
	if (options->server)
		turn_refresh(fd, 0);
	if (error || !count)
		return fail("round trips", error ? error : -ETIMEDOUT);
	report(times, count, lost,
	       (after[VERDICT_TO_PEER] + after[VERDICT_TO_CLIENT] - before[VERDICT_TO_PEER] -
		before[VERDICT_TO_CLIENT]) / (2.0 * (count + lost)));
	close(fd);
	return 0;
}

int main(int argc, char **argv)
{
	struct options options = { .payload = 160, .count = 20000, .seconds = 2 };
	double *times;
	int letter, error;

	while ((letter = getopt(argc, argv, "c:s:j:x:y:g:h:a:b:l:n:t:o")) != -1) {
		switch (letter) {
		case 'c': options.client_netns = optarg; break;
		case 's': options.server_netns = optarg; break;
		case 'j': options.server_if = optarg; break;
		case 'x': options.local = optarg; break;
		case 'y': options.local_port = atoi(optarg); break;
		case 'g': options.server = optarg; break;
		case 'h': options.server_port = atoi(optarg); break;
		case 'a': options.peer = optarg; break;
		case 'b': options.peer_port = atoi(optarg); break;
		case 'l': options.payload = atoi(optarg); break;
		case 'n': options.count = atoi(optarg); break;
		case 't': options.seconds = atof(optarg); break;
		case 'o': options.offload = 1; break;
		default: return 2;
		}
	}
	if (!options.client_netns || !options.server_netns || !options.server_if || !options.local ||
	    !options.peer || !options.count || options.payload < PAYLOAD_MIN ||
	    options.payload > PAYLOAD_MAX) {
		fputs("round_trip: see its call in bench/run.sh\n", stderr);
		return 2;
	}
	times = calloc(options.count, sizeof(*times));
	if (!times)
		return fail("memory", -ENOMEM);
	error = measure(&options, times);
	free(times);
	return error;
}
