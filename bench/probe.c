// SPDX-License-Identifier: BSD-3-Clause
/*
 * Round trips client → peer → client as the network sees them: from the XDP
 * program that sends a frame to the one that gets it back, over a channel or (no
 * server given) directly. See probe.bpf.c, and README.md for why.
 *
 * The thread that sends is of the SCHED_IDLE class and never sleeps: the CPU does
 * not go idle while something is under way, and whatever thread of the server
 * wants to run gets it at once.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "datagram.h"
#include "netns.h"
#include "probe.h"
#include "probe.skel.h"
#include "times.h"
#include "trip.h"
#include "turn.h"
#include "verdicts.h"

/* The first ones resolve neighbours and fill caches. */
#define WARM_UP_SECONDS 0.1

/* From one probe to the next. */
#define GAP_NS 100000

struct probe {
	struct probe_bpf *skel;
	struct bpf_link *echo, *receiver;
	struct datagram datagram;
	unsigned int size;
	uint32_t data_sum;
	int result;
	pthread_t thread;
};

static int fail(const char *what, int error)
{
	fprintf(stderr, "probe: %s: %s\n", what, strerror(-error));
	return 1;
}

/* What is sent, with number 0. */
static int frame_make(const struct trip *trip, struct probe *probe)
{
	const struct datagram_way way = {
		.from = trip->local,
		.from_port = trip->local_port,
		.to = trip->server ? trip->server : trip->peer,
		.to_port = trip->server ? trip->server_port : trip->peer_port,
		.channel = trip->server ? TRIP_CHANNEL : 0,
	};
	unsigned char *number = probe->datagram.data + (trip->server ? 4 : 0);

	memset(probe->datagram.data, PAYLOAD_BYTE, sizeof(probe->datagram.data));
	memset(number, 0, 4);
	memset(number + 4, 0xff, 4);
	for (unsigned int i = 0; i + 1 < trip->payload; i += 2)
		probe->data_sum += *(const uint16_t *)(const void *)(number + i);
	probe->size = datagram_fill(&probe->datagram, &way, trip->payload);
	return datagram_ethernet(&probe->datagram, trip->client_if, trip->server_mac);
}

static int program_load(const struct trip *trip, struct probe *probe)
{
	struct sockaddr_in local = address_of(trip->local, trip->local_port);
	struct sockaddr_in peer = address_of(trip->peer, trip->peer_port);
	struct probe_bpf *skel = probe->skel = probe_bpf__open();
	__u32 key = 0, ifindex = if_nametoindex(trip->client_if);

	if (!skel)
		return -errno;
	skel->rodata->header = trip->server ? 4 : 0;
	skel->rodata->client_addr = local.sin_addr.s_addr;
	skel->rodata->client_port = local.sin_port;
	skel->rodata->data_sum = probe->data_sum;
	skel->rodata->peer_addr = peer.sin_addr.s_addr;
	skel->rodata->peer_port = peer.sin_port;
	skel->rodata->gap = GAP_NS;
	if (probe_bpf__load(skel))
		return -errno;
	memcpy(&skel->bss->head, &probe->datagram, sizeof(skel->bss->head));
	if (bpf_map_update_elem(bpf_map__fd(skel->maps.device), &key, &ifindex, 0))
		return -errno;
	return 0;
}

/* In the network namespaces of client and peer; ends in the client's. */
static int program_attach(const struct trip *trip, struct probe *probe)
{
	int error = netns_enter(trip->peer_netns);

	if (error)
		return error;
	probe->echo = bpf_program__attach_xdp(probe->skel->progs.probe_echo, if_nametoindex(trip->peer_if));
	if (!probe->echo)
		return -errno;
	error = netns_enter(trip->client_netns);
	if (error)
		return error;
	probe->receiver =
		bpf_program__attach_xdp(probe->skel->progs.probe_return, if_nametoindex(trip->client_if));
	return probe->receiver ? 0 : -errno;
}

/* Only there to interrupt the system call below. */
static void on_signal(int number)
{
	(void)number;
}

static void *sender_run(void *argument)
{
	struct probe *probe = argument;
	const struct sched_param none = {};
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = &probe->datagram, .data_size_in = probe->size,
		    .repeat = 0x7fffffff, .batch_size = 1, .flags = BPF_F_TEST_XDP_LIVE_FRAMES);

	if (sched_setscheduler(0, SCHED_IDLE, &none))
		probe->result = -errno;
	while (!probe->result)
		if (bpf_prog_test_run_opts(bpf_program__fd(probe->skel->progs.probe_send), &options))
			probe->result = -errno;
	if (probe->result == -EINTR)
		probe->result = 0;
	return NULL;
}

static int sender_start(struct probe *probe)
{
	struct sigaction action = { .sa_handler = on_signal };

	sigaction(SIGUSR1, &action, NULL);
	return -pthread_create(&probe->thread, NULL, sender_run, probe);
}

static int sender_stop(struct probe *probe)
{
	pthread_kill(probe->thread, SIGUSR1);
	pthread_join(probe->thread, NULL);
	return probe->result;
}

static unsigned long long kernel_count(const unsigned long long verdicts[VERDICT_SLOTS])
{
	return verdicts[VERDICT_TO_PEER] + verdicts[VERDICT_TO_CLIENT];
}

/* Prints what came back after the first `warm` of them. */
static int report(struct probe *probe, unsigned int warm, unsigned int lost_warm, double kernel)
{
	const struct probe_state *state = &probe->skel->bss->state;
	unsigned int count = state->count - warm, lost = state->lost - lost_warm;
	double *times;

	if (state->count <= warm)
		return fail("no frame came back", -ETIMEDOUT);
	times = calloc(count, sizeof(*times));
	if (!times)
		return fail("memory", -ENOMEM);
	for (unsigned int i = 0; i < count; i++)
		times[i] = probe->skel->bss->times[warm + i] / 1e3;
	times_report("probe", times, count, lost);
	printf(" probe_kernel_share=%.5f\n", kernel / (2.0 * (count + lost)));
	free(times);
	return 0;
}

static int measure(const struct trip *trip, struct probe *probe)
{
	unsigned long long before[VERDICT_SLOTS] = {}, after[VERDICT_SLOTS] = {};
	unsigned int warm, lost;
	int verdicts = -1, error, fd;

	if (trip->offload) {
		verdicts = verdicts_open(trip->server_netns, trip->server_if);
		if (verdicts < 0)
			return fail("counters of the server's XDP program", verdicts);
	}
	error = netns_enter(trip->client_netns);
	fd = error ? error : trip_channel(trip);
	if (fd < 0)
		return fail("channel", fd);
	error = frame_make(trip, probe);
	if (!error)
		error = program_load(trip, probe);
	if (!error)
		error = program_attach(trip, probe);
	if (!error)
		error = sender_start(probe);
	if (error)
		return fail("sender", error);
	usleep((useconds_t)(WARM_UP_SECONDS * 1e6));
	warm = probe->skel->bss->state.count;
	lost = probe->skel->bss->state.lost;
	if (verdicts >= 0)
		error = verdicts_read(verdicts, before);
	usleep((useconds_t)(trip->seconds * 1e6));
	if (verdicts >= 0 && !error)
		error = verdicts_read(verdicts, after);
	if (!error)
		error = sender_stop(probe);
	bpf_link__destroy(probe->receiver);
	bpf_link__destroy(probe->echo);
	if (trip->server)
		turn_refresh(fd, 0);
	close(fd);
	if (error)
		return fail("live frames", error);
	return report(probe, warm, lost, (double)(kernel_count(after) - kernel_count(before)));
}

int main(int argc, char **argv)
{
	static struct probe probe;
	struct trip trip;
	int status;

	trip_read(argc, argv, &trip);
	libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
	status = measure(&trip, &probe);
	probe_bpf__destroy(probe.skel);
	return status;
}
