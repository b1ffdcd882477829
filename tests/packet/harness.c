/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* unshare, sched_setaffinity */
#endif

#include "harness.h"

#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "turn.skel.h"

#define USAGE_ROWS 4
#define FLOWS 8

uint32_t harness_lo, harness_other;

static struct {
	struct turn_bpf *skel;
	const char *unable; /* why nothing can be tested */
	int cpus, cpu;
	uint64_t deadline;
	struct world world; /* as it stands in the tables */
	bool installed;
	bool seen[VERDICT_ROW];
	/* The counters of all CPUs after the last packet. */
	uint64_t *verdict;
	struct usage_row *usage;
} harness;

static int print_libbpf(enum libbpf_print_level level, const char *format, va_list args)
{
	if (level > LIBBPF_WARN)
		return 0;
	fputs("# ", stdout);
	return vfprintf(stdout, format, args);
}

/*
 * Only a missing privilege skips tests. Not EACCES: the verifier says so as well,
 * and that is a failure.
 */
static int unable(int error, const char *what)
{
	if (error != EPERM) {
		print_error("%s: %s\n", what, strerror(error));
		return -1;
	}
	harness.unable = what;
	return 0;
}

static int program_load(void)
{
	struct turn_bpf *skel = turn_bpf__open();
	int error;

	if (!skel)
		return -errno;
	skel->rodata->usage_rows = USAGE_ROWS;
	bpf_map__set_max_entries(skel->maps.flows, FLOWS);
	bpf_map__set_max_entries(skel->maps.hops, 2);
	bpf_map__set_max_entries(skel->maps.usage, harness.cpus * USAGE_ROWS);
	bpf_map__set_max_entries(skel->maps.verdicts, harness.cpus);
	error = turn_bpf__load(skel);
	if (error) {
		turn_bpf__destroy(skel);
		return error;
	}
	harness.skel = skel;
	return 0;
}

static int cpu_pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		return -1;
	harness.cpu = cpu;
	return 0;
}

bool harness_cpu(int cpu)
{
	return !cpu_pin(cpu);
}

int harness_cpus(void)
{
	return harness.cpus;
}

int harness_open(void **state)
{
	struct timespec now;
	int error;

	(void)state;
	libbpf_set_print(print_libbpf);
	harness.cpus = libbpf_num_possible_cpus();
	harness.verdict = calloc(harness.cpus, sizeof(uint64_t) * VERDICT_ROW);
	harness.usage = calloc(harness.cpus, sizeof(struct usage_row) * USAGE_ROWS);
	if (!harness.verdict || !harness.usage)
		return unable(ENOMEM, "counters");
	if (cpu_pin(sched_getcpu()) || unshare(CLONE_NEWNET))
		return unable(errno, "no right to make a network namespace");
	error = program_load();
	if (error)
		return unable(-error, "no right to load a BPF program");
	if (system("ip link add other0 type veth peer name other1") != 0)
		return unable(EINVAL, "ip link add");
	harness_lo = if_nametoindex("lo");
	harness_other = if_nametoindex("other0");
	clock_gettime(CLOCK_MONOTONIC, &now);
	harness.deadline = (now.tv_sec + 3600) * 1000000000ull;
	return 0;
}

int harness_close(void **state)
{
	(void)state;
	turn_bpf__destroy(harness.skel);
	free(harness.verdict);
	free(harness.usage);
	return 0;
}

void harness_need(void)
{
	if (!harness.unable)
		return;
	print_message("# skipped: %s\n", harness.unable);
	skip();
}

bool harness_seen(enum verdict verdict)
{
	return harness.seen[verdict];
}

static void hop_default(struct hop_row *row, const uint8_t eth[12])
{
	memset(row, 0, sizeof(*row));
	row->slot[0].ifindex = harness_lo;
	row->slot[0].mtu = 1500;
	row->slot[0].redirect = 1;
	row->slot[0].transmit = 1;
	memcpy(row->slot[0].eth, eth, 12);
	/* What is not current would be noticed. */
	memset(&row->slot[1], 0xee, sizeof(row->slot[1]));
}

void harness_world(struct world *world)
{
	memset(world, 0, sizeof(*world));
	world->flow[0] = model_flow(false);
	world->flow[1] = model_flow(true);
	hop_default(&world->hop[0], model_peer_hop);
	hop_default(&world->hop[1], model_client_hop);
	world->port[0].ifindex = harness_other;
	memset(world->port[0].mac, 0xdd, 6);
	world->port[1].ifindex = harness_lo;
	memcpy(world->port[1].mac, model_port_mac, 6);
	world->deadline[0] = world->deadline[1] = harness.deadline;
	world->ingress = harness_lo;
}

static void map_put(struct bpf_map *map, const void *key, const void *value)
{
	if (bpf_map_update_elem(bpf_map__fd(map), key, value, BPF_ANY))
		fail_msg("%s: update: %s", bpf_map__name(map), strerror(errno));
}

static void map_get(struct bpf_map *map, uint32_t key, void *value)
{
	if (bpf_map_lookup_elem(bpf_map__fd(map), &key, value))
		fail_msg("%s: look-up: %s", bpf_map__name(map), strerror(errno));
}

static void devices_install(bool none)
{
	const uint32_t ifindex[2] = {harness_lo, harness_other};

	for (int i = 0; i < 2; i++) {
		if (none)
			bpf_map_delete_elem(bpf_map__fd(harness.skel->maps.devices), &ifindex[i]);
		else
			map_put(harness.skel->maps.devices, &ifindex[i], &ifindex[i]);
	}
}

static void world_install(const struct world *world)
{
	struct turn_bpf *skel = harness.skel;

	if (harness.installed && !memcmp(&harness.world, world, sizeof(*world)))
		return;
	for (uint32_t i = 0; i < 2; i++) {
		const struct flow_entry *entry = &world->flow[i];
		struct flow flow = entry->flow;

		bpf_map_delete_elem(bpf_map__fd(skel->maps.flows), &harness.world.flow[i].key);
		if (!flow.key_mark)
			flow.key_mark = flow_key_mark(&entry->key);
		if (world->reused[i])
			flow.key_mark ^= 1;
		if (!world->absent[i])
			map_put(skel->maps.flows, &entry->key, &flow);
		map_put(skel->maps.hops, &i, &world->hop[i]);
		skel->bss->deadlines[entry->flow.owner] = world->deadline[i];
	}
	memcpy(skel->bss->ports, world->port, sizeof(world->port));
	skel->bss->generic = world->generic;
	devices_install(world->no_devices);
	harness.world = *world;
	harness.installed = true;
}

/* The verdict whose counter moved, on this CPU, by 1, and no other one did. */
static int verdict_moved(void)
{
	uint64_t row[VERDICT_ROW];
	int moved = -1, changes = 0;

	for (int cpu = 0; cpu < harness.cpus; cpu++) {
		uint64_t *last = harness.verdict + (size_t)cpu * VERDICT_ROW;

		map_get(harness.skel->maps.verdicts, cpu, row);
		for (int i = 0; i < VERDICT_ROW; i++) {
			if (row[i] == last[i])
				continue;
			changes++;
			if (cpu == harness.cpu && row[i] == last[i] + 1)
				moved = i;
		}
		memcpy(last, row, sizeof(row));
	}
	return changes == 1 ? moved : -1;
}

static void usage_moved(struct outcome *outcome)
{
	struct usage_row row;

	for (int i = 0; i < harness.cpus * USAGE_ROWS; i++) {
		struct usage_row *last = &harness.usage[i];
		int flow = i - harness.cpu * USAGE_ROWS - 1;

		map_get(harness.skel->maps.usage, i, &row);
		if (flow == 0 || flow == 1) {
			outcome->usage[flow].packets = row.packets - last->packets;
			outcome->usage[flow].bytes_in = row.bytes_in - last->bytes_in;
			outcome->usage[flow].bytes_out = row.bytes_out - last->bytes_out;
		} else if (memcmp(&row, last, sizeof(row)) != 0) {
			outcome->usage_strayed = true;
		}
		*last = row;
	}
}

void harness_send(const struct world *world, const struct frame *frame, struct outcome *outcome)
{
	static uint8_t in[FRAME_MAX + 256], sent[FRAME_MAX + 256];
	struct xdp_md md_in = {0}, md_out = {0};
	struct bpf_test_run_opts opts = {
		.sz = sizeof(opts),
		.data_in = in,
		.data_size_in = world->metadata + frame->length,
		.data_out = sent,
		.data_size_out = sizeof(sent),
		.ctx_in = &md_in,
		.ctx_size_in = sizeof(md_in),
		.ctx_out = &md_out,
		.ctx_size_out = sizeof(md_out),
		.repeat = 1,
	};

	world_install(world);
	memset(in, 0xcc, world->metadata);
	memcpy(in + world->metadata, frame->byte, frame->length);
	md_in.data = world->metadata;
	md_in.data_end = opts.data_size_in;
	md_in.ingress_ifindex = world->ingress;
	if (bpf_prog_test_run_opts(bpf_program__fd(harness.skel->progs.turn), &opts))
		fail_msg("BPF_PROG_TEST_RUN of %zu bytes: %s", frame->length, strerror(errno));

	memset(outcome, 0, sizeof(*outcome));
	outcome->action = opts.retval;
	outcome->frame.length = opts.data_size_out - md_out.data;
	memcpy(outcome->frame.byte, sent + md_out.data, outcome->frame.length);
	outcome->verdict = verdict_moved();
	if (outcome->verdict >= 0)
		harness.seen[outcome->verdict] = true;
	usage_moved(outcome);
}
