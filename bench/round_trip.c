// SPDX-License-Identifier: BSD-3-Clause
/*
 * Round trips client → peer → client between sockets, one at a time, over a channel
 * or (no server given) directly. Prints name=value words, times in microseconds.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "frame.h"
#include "netns.h"
#include "times.h"
#include "trip.h"
#include "turn.h"
#include "verdicts.h"

/* The first ones resolve neighbours and wake everybody up. */
#define WARM_UP 500
#define COUNT_MAX 50000

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

static int fail(const char *what, int error)
{
	fprintf(stderr, "round_trip: %s: %s\n", what, strerror(-error));
	return 1;
}

/* `times` has room for COUNT_MAX. */
static int measure(const struct trip *trip, double *times)
{
	unsigned int header = trip->server ? 4 : 0, size = header + trip->payload;
	const uint16_t channel_header[2] = { htons(TRIP_CHANNEL), htons(trip->payload) };
	unsigned long long before[VERDICT_SLOTS] = {}, after[VERDICT_SLOTS] = {};
	double end = 0, time;
	unsigned int count = 0, lost = 0;
	uint8_t data[4 + PAYLOAD_MAX];
	int fd, error = 0, verdicts = -1;

	if (trip->offload) {
		verdicts = verdicts_open(trip->server_netns, trip->server_if);
		if (verdicts < 0)
			return fail("counters of the server's XDP program", verdicts);
	}
	error = netns_enter(trip->client_netns);
	if (error)
		return fail("client", error);
	fd = trip_channel(trip);
	if (fd < 0)
		return fail("channel", fd);
	memset(data, PAYLOAD_BYTE, sizeof(data));
	memcpy(data, channel_header, header);

	for (uint32_t i = 0; count < COUNT_MAX; i++) {
		if (i == WARM_UP) {
			lost = 0;
			end = now_us() + trip->seconds * 1e6;
			if (trip->offload)
				error = verdicts_read(verdicts, before);
		}
		time = round_trip(fd, data, header, size, i);
		lost += time < 0;
		if (i >= WARM_UP && time >= 0)
			times[count++] = time;
		if ((i >= WARM_UP && now_us() > end) || lost > WARM_UP / 10)
			break;
	}
	if (trip->offload && !error)
		error = verdicts_read(verdicts, after);
	if (trip->server)
		turn_refresh(fd, 0);
	if (error || !count)
		return fail("round trips", error ? error : -ETIMEDOUT);
	times_report("socket", times, count, lost);
	printf(" socket_kernel_share=%.5f\n",
	       (after[VERDICT_TO_PEER] + after[VERDICT_TO_CLIENT] - before[VERDICT_TO_PEER] -
		before[VERDICT_TO_CLIENT]) / (2.0 * (count + lost)));
	close(fd);
	return 0;
}

int main(int argc, char **argv)
{
	static double times[COUNT_MAX];
	struct trip trip;

	trip_read(argc, argv, &trip);
	return measure(&trip, times);
}
