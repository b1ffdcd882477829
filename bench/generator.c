// SPDX-License-Identifier: BSD-3-Clause
#define _GNU_SOURCE
#include "generator.h"

#include <errno.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "datagram.h"
#include "generator.skel.h"
#include "netns.h"

/* Below the 256 slots of a veth ring and the most that a test run takes. */
#define BATCH 64
/* In 1/1024 ns: longer than any bench. */
#define NEVER (UINT64_MAX >> 1)

struct worker {
	struct generator *generator;
	int cpu, result;
	pthread_t thread;
};

struct generator {
	struct generator_bpf *skel;
	struct datagram datagram[WAYS]; /* of one flow */
	struct datagram *longest;       /* of these */
	unsigned int size;              /* of the longest */
	int started, workers, yields;
	struct worker worker[GENERATOR_CPUS];
};

/* A flow as text: where it begins, where it ends, and its ways through the server. */
struct line {
	char client[16], server[16];
	unsigned int client_port, server_port, channel, peer_port, relay_port;
};

/* Reads a flow; 1, or 0 at the end of the file, or -EINVAL. */
static int line_read(FILE *file, struct line *line)
{
	char text[256];

	if (!fgets(text, sizeof(text), file) || !strcmp(text, "ready\n"))
		return 0;
	if (sscanf(text, "%15s %u %15s %u %u %u %u", line->client, &line->client_port, line->server,
		   &line->server_port, &line->channel, &line->peer_port, &line->relay_port) != 7)
		return -EINVAL;
	return 1;
}

static int lines_count(FILE *file)
{
	struct line line;
	int count = 0;

	while (line_read(file, &line) > 0)
		count++;
	rewind(file);
	return count;
}

static struct datagram_way way_of(const struct generator_config *config, const struct line *line, enum way way)
{
	if (way == TO_PEER)
		return (struct datagram_way){ line->client, line->server, line->client_port,
					      line->server_port, line->channel };
	return (struct datagram_way){ config->peer, config->relay, line->peer_port, line->relay_port, 0 };
}

/* 0, 1, 2 … in a random order that is always the same; free it. NULL: no memory. */
static uint32_t *order_make(uint32_t count)
{
	uint32_t *order = calloc(count, sizeof(*order));

	if (!order)
		return NULL;
	srandom(1);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t k = (uint32_t)random() % (i + 1);

		order[i] = order[k];
		order[k] = i;
	}
	return order;
}

/* Makes a frame of one flow and splits its head into the way's part and the flow's. Returns the frame's size. */
static unsigned int flow_make(struct generator *generator, const struct generator_config *config,
			      const struct line *line, enum way way, struct frame_head *common,
			      struct generator_flow *flow)
{
	struct datagram *datagram = &generator->datagram[way];
	struct datagram_way ends = way_of(config, line, way);
	unsigned int size = datagram_fill(datagram, &ends, config->payload);

	memcpy(common, datagram, sizeof(*common));
	*flow = (struct generator_flow){ common->source, common->dest, common->sum, common->channel };
	common->source = common->dest = common->sum = common->channel = 0;
	return size;
}

/* What all flows of a way have in common, from the first one. The program is not loaded yet. */
static int ways_fill(FILE *file, const struct generator_config *config, struct generator *generator)
{
	struct generator_way *ways = generator->skel->rodata->ways;
	unsigned int size[WAYS] = {};
	struct generator_flow flow;
	struct line line;

	if (line_read(file, &line) != 1)
		return -EINVAL;
	rewind(file);
	for (unsigned int way = 0; way < WAYS; way++) {
		struct datagram *datagram = &generator->datagram[way];
		int error;

		if (!(config->ways & 1u << way))
			continue;
		error = netns_enter(config->port[way].netns);
		if (!error)
			error = datagram_ethernet(datagram, config->port[way].ifname, config->port[way].server_mac);
		if (error)
			return error;
		memset(datagram->data, PAYLOAD_BYTE, sizeof(datagram->data));
		size[way] = flow_make(generator, config, &line, way, &ways[way].head, &flow);
		if (size[way] > generator->size) {
			generator->size = size[way];
			generator->longest = datagram;
		}
	}
	for (unsigned int way = 0; way < WAYS; way++)
		ways[way].cut = config->ways & 1u << way ? generator->size - size[way] : 0;
	return 0;
}

/*
 * Puts the flows into the program's table, in random order, the ways in turn. A flow that differs from the first
 * one of its way in more than struct generator_flow has is -EINVAL, because its frames would be wrong.
 */
static int flows_fill(FILE *file, const struct generator_config *config, struct generator *generator,
		      uint32_t count)
{
	const struct generator_way *ways = generator->skel->rodata->ways;
	unsigned int both = config->ways == BOTH_WAYS;
	int error = 0, fd = bpf_map__fd(generator->skel->maps.flows);
	uint32_t *order = order_make(count);
	struct generator_flow flow;
	struct frame_head common;
	struct line line;

	if (!order)
		return -ENOMEM;
	for (uint32_t i = 0; i < count && !error; i++) {
		error = line_read(file, &line) == 1 ? 0 : -EINVAL;
		for (unsigned int way = 0; way < WAYS && !error; way++) {
			__u32 index = both ? 2 * order[i] + way : order[i];

			if (!(config->ways & 1u << way))
				continue;
			flow_make(generator, config, &line, way, &common, &flow);
			if (memcmp(&common, &ways[way].head, sizeof(common)))
				error = -EINVAL;
			else if (bpf_map_update_elem(fd, &index, &flow, 0))
				error = -errno;
		}
	}
	free(order);
	return error;
}

/* A devmap takes devices of the network namespace that its caller is in. */
static int devices_fill(const struct generator_config *config, const struct generator *generator)
{
	for (__u32 way = 0; way < WAYS; way++) {
		int error = netns_enter(config->port[way].netns);
		__u32 ifindex = if_nametoindex(config->port[way].ifname);

		if (error)
			return error;
		if (bpf_map_update_elem(bpf_map__fd(generator->skel->maps.devices), &way, &ifindex, 0))
			return -errno;
	}
	return 0;
}

static int skeleton_load(FILE *file, struct generator *generator, const struct generator_config *config,
			 uint32_t count)
{
	struct generator_bpf *skel = generator->skel = generator_bpf__open();
	uint32_t flows = config->ways == BOTH_WAYS ? 2 * count : count;
	int error;

	if (!skel)
		return -errno;
	error = ways_fill(file, config, generator);
	if (error)
		return error;
	skel->rodata->way_mask = config->ways;
	skel->rodata->flow_count = flows;
	skel->rodata->cpus = (uint32_t)config->cpus;
	if (config->headroom)
		skel->rodata->forward = XDP_PACKET_HEADROOM - config->headroom;
	error = bpf_map__set_max_entries(skel->maps.flows, flows);
	if (!error)
		error = generator_bpf__load(skel);
	if (error)
		return error;
	for (int i = 0; i < config->cpus; i++)
		skel->bss->states[(config->cpu_first + i) % GENERATOR_CPUS].next = (uint32_t)i % flows;
	return 0;
}

int generator_open(const struct generator_config *config, struct generator **out)
{
	struct generator *generator = calloc(1, sizeof(*generator));
	FILE *file = fopen(config->flows, "r");
	int count, error = -ENOMEM;

	if (!generator)
		goto fail;
	error = -ENOENT;
	if (!file)
		goto fail;
	count = lines_count(file);
	error = -EINVAL;
	if (count < 1 || config->cpus < 1 || config->cpus > GENERATOR_CPUS)
		goto fail;
	generator->workers = config->cpus;
	generator->yields = config->yields;
	for (int i = 0; i < config->cpus; i++)
		generator->worker[i] = (struct worker){ .generator = generator, .cpu = config->cpu_first + i };
	error = skeleton_load(file, generator, config, (uint32_t)count);
	if (!error)
		error = devices_fill(config, generator);
	if (!error)
		error = flows_fill(file, config, generator, (uint32_t)count);
	if (error)
		goto fail;
	generator->skel->bss->size = generator->size;
	generator_rate(generator, GENERATOR_NONE);
	fclose(file);
	*out = generator;
	return 0;
fail:
	if (file)
		fclose(file);
	generator_close(generator);
	return error;
}

/* Only there to interrupt the system call below. */
static void on_signal(int number)
{
	(void)number;
}

static void *worker_run(void *argument)
{
	struct worker *worker = argument;
	struct generator *generator = worker->generator;
	const struct sched_param none = {};
	cpu_set_t cpus;
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = generator->longest,
		    .data_size_in = generator->size, .repeat = 0x7fffffff, .batch_size = BATCH,
		    .flags = BPF_F_TEST_XDP_LIVE_FRAMES);

	CPU_ZERO(&cpus);
	CPU_SET(worker->cpu, &cpus);
	if (pthread_setaffinity_np(pthread_self(), sizeof(cpus), &cpus) ||
	    (generator->yields && sched_setscheduler(0, SCHED_IDLE, &none))) {
		worker->result = -EINVAL;
		return NULL;
	}
	/* It ends by itself only after minutes, and goes on then. */
	while (!worker->result)
		if (bpf_prog_test_run_opts(bpf_program__fd(generator->skel->progs.generate), &options))
			worker->result = -errno;
	if (worker->result == -EINTR)
		worker->result = 0;
	return NULL;
}

int generator_start(struct generator *generator)
{
	struct sigaction action = { .sa_handler = on_signal };

	sigaction(SIGUSR1, &action, NULL);
	for (; generator->started < generator->workers; generator->started++) {
		struct worker *worker = &generator->worker[generator->started];
		int error = pthread_create(&worker->thread, NULL, worker_run, worker);

		if (error)
			return -error;
	}
	return 0;
}

void generator_rate(struct generator *generator, double rate)
{
	volatile __u64 *interval = &generator->skel->bss->interval;

	if (rate < 0)
		*interval = 0;
	else if (rate <= GENERATOR_NONE)
		*interval = NEVER;
	else
		*interval = (__u64)(1e9 * 1024 * generator->workers / rate);
	/* Those that wait for a time that is far away must look again. */
	for (int i = 0; i < generator->workers; i++)
		*(volatile __u64 *)&generator->skel->bss->states[generator->worker[i].cpu].due =
			*interval == NEVER ? NEVER : 0;
}

void generator_offered(const struct generator *generator, unsigned long long offered[WAYS])
{
	for (int way = 0; way < WAYS; way++) {
		offered[way] = 0;
		for (int i = 0; i < generator->workers; i++)
			offered[way] += *(volatile __u64 *)&generator->skel->bss->states[generator->worker[i].cpu]
						 .offered[way];
	}
}

int generator_stop(struct generator *generator)
{
	int error = 0;

	for (int i = 0; i < generator->started; i++) {
		pthread_kill(generator->worker[i].thread, SIGUSR1);
		pthread_join(generator->worker[i].thread, NULL);
		if (!error)
			error = generator->worker[i].result;
	}
	generator->started = 0;
	return error;
}

void generator_close(struct generator *generator)
{
	if (!generator)
		return;
	generator_bpf__destroy(generator->skel);
	free(generator);
}
