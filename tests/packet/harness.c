/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* unshare, sched_setaffinity */
#endif

#include "harness.h"

#include <errno.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "tables.h"
#include "turn.skel.h"

/* <linux/bpf.h> of Linux 5.18. */
#define XDP_HAS_FRAGS (1u << 5)

uint32_t harness_lo, harness_other;

static struct {
	struct turn_bpf *skel;
	const char *unable; /* why nothing can be tested */
	int cpus, cpu;
	uint64_t deadline;
	bool seen[VERDICT_SLOTS];
	bool fixed; /* frames' starts do not move */
	/* The counters of all CPUs, in the kernel's memory and after the last packet. */
	const uint64_t *verdict_now;
	uint64_t *verdict;
	struct flow_slot slots[TABLES_ROWS]; /* before the packet */
	struct flow_note notes[TABLES_ROWS];
} harness;

static size_t verdict_size(void)
{
	return harness.cpus * sizeof(uint64_t) * VERDICT_SLOTS;
}

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

/* Called when the program is complete: bpf_xdp_adjust_head refuses whatever is asked of it. */
static int fix_start(struct bpf_program *program, struct bpf_prog_load_opts *opts, long cookie)
{
	const struct bpf_insn *had = bpf_program__insns(program);
	size_t count = bpf_program__insn_cnt(program);
	struct bpf_insn *insn = malloc(count * sizeof(*insn));
	int error;

	(void)opts;
	(void)cookie;
	if (!insn)
		return -ENOMEM;
	memcpy(insn, had, count * sizeof(*insn));
	for (size_t i = 0; i < count && harness.fixed; i++)
		if (insn[i].code == (BPF_JMP | BPF_CALL) && !insn[i].src_reg &&
		    insn[i].imm == BPF_FUNC_xdp_adjust_head)
			insn[i] = (struct bpf_insn){.code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = -EINVAL};
	error = bpf_program__set_insns(program, insn, count);
	free(insn);
	return error;
}

/* Has libbpf call it. */
static int fix_prepare(void)
{
	static int handler;
	LIBBPF_OPTS(libbpf_prog_handler_opts, options, .prog_prepare_load_fn = fix_start);

	if (handler <= 0)
		handler = libbpf_register_prog_handler("xdp", BPF_PROG_TYPE_XDP, BPF_XDP, &options);
	return handler < 0 ? handler : 0;
}

static int program_load(bool frags, bool coarse_clock, bool can_move)
{
	struct turn_bpf *skel;
	int error = fix_prepare();

	skel = error ? NULL : turn_bpf__open();
	if (!skel)
		return error ? error : -errno;
	skel->rodata->flow_slots = TABLES_ROWS;
	skel->rodata->flow_slot_stride = flow_stride(TABLES_ROWS);
	skel->rodata->weak_order = frags; /* both must do */
	for (int i = 0; i < FLOW_SEEDS; i++)
		skel->rodata->flow_seed[i] = (i + 1) * 0x9e3779b97f4a7c15u;
	skel->rodata->frags = frags;
	skel->rodata->can_move = can_move;
	skel->rodata->coarse_clock = coarse_clock;
	if (frags)
		bpf_program__set_flags(skel->progs.turn,
				       bpf_program__flags(skel->progs.turn) | XDP_HAS_FRAGS);
	bpf_map__set_max_entries(skel->maps.flows, TABLES_ROWS);
	bpf_map__set_max_entries(skel->maps.words, TABLES_ROWS);
	bpf_map__set_max_entries(skel->maps.notes, TABLES_ROWS);
	bpf_map__set_max_entries(skel->maps.hops, HOPS);
	bpf_map__set_max_entries(skel->maps.limits, LIMITS);
	bpf_map__set_max_entries(skel->maps.verdicts, harness.cpus);
	error = turn_bpf__load(skel);
	if (error) {
		turn_bpf__destroy(skel);
		return error;
	}
	harness.skel = skel;
	return 0;
}

/* As the server reads them. */
static const void *counters_map(const struct bpf_map *map, size_t size)
{
	const void *memory = mmap(NULL, size, PROT_READ, MAP_SHARED, bpf_map__fd(map), 0);

	return memory == MAP_FAILED ? NULL : memory;
}

static int counters_open(void)
{
	harness.verdict_now = counters_map(harness.skel->maps.verdicts, verdict_size());
	harness.verdict = calloc(1, verdict_size());
	return harness.verdict_now && harness.verdict && !tables_open(harness.skel) ? 0 : -1;
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

uint64_t harness_deadline(void)
{
	return harness.deadline;
}

static int open_as(bool frags, bool coarse_clock, bool can_move)
{
	struct timespec now;
	int error;

	libbpf_set_print(print_libbpf);
	harness.unable = NULL;
	harness.cpus = libbpf_num_possible_cpus();
	if (cpu_pin(sched_getcpu()) || unshare(CLONE_NEWNET))
		return unable(errno, "no right to make a network namespace");
	error = program_load(frags, coarse_clock, can_move);
	if (error)
		return unable(-error, "no right to load a BPF program");
	if (counters_open())
		return unable(ENOMEM, "counters");
	if (system("ip link add other0 type veth peer name other1") != 0)
		return unable(EINVAL, "ip link add");
	harness_lo = if_nametoindex("lo");
	harness_other = if_nametoindex("other0");
	clock_gettime(CLOCK_MONOTONIC, &now);
	harness.deadline = (now.tv_sec + 3600) * 1000000000ull;
	return 0;
}

static bool kernel_before(int major, int minor)
{
	struct utsname name;
	int at[2] = {0, 0};

	uname(&name);
	sscanf(name.release, "%d.%d", &at[0], &at[1]);
	return at[0] < major || (at[0] == major && at[1] < minor);
}

int harness_open(void **state)
{
	(void)state;
	return open_as(false, !kernel_before(5, 11), !kernel_before(5, 18));
}

int harness_open_frags(void **state)
{
	(void)state;
	if (!kernel_before(5, 18))
		return open_as(true, true, true);
	harness.unable = "Linux before 5.18 has no frames of several buffers";
	return 0;
}

int harness_open_fixed(void **state)
{
	harness.fixed = true;
	if (!kernel_before(5, 18))
		return harness_open(state);
	harness.unable = "Linux before 5.18 does not move data";
	return 0;
}

int harness_open_fixed_frags(void **state)
{
	harness.fixed = true;
	return harness_open_frags(state);
}

int harness_open_old(void **state)
{
	(void)state;
	return open_as(false, false, false);
}

int harness_close(void **state)
{
	(void)state;
	if (harness.verdict_now)
		munmap((void *)harness.verdict_now, verdict_size());
	tables_close();
	turn_bpf__destroy(harness.skel);
	free(harness.verdict);
	harness.skel = NULL;
	harness.fixed = false;
	harness.verdict_now = NULL;
	harness.verdict = NULL;
	return 0;
}

int harness_run(const char *name, const struct CMUnitTest *tests, size_t count)
{
	char frags[80];

	snprintf(frags, sizeof(frags), "%s, frags", name);
	return _cmocka_run_group_tests(name, tests, count, harness_open, harness_close) +
	       _cmocka_run_group_tests(frags, tests, count, harness_open_frags, harness_close);
}

void harness_skip(const char *why)
{
	print_message("# skipped: %s\n", why);
	skip();
}

void harness_need(void)
{
	if (harness.unable)
		harness_skip(harness.unable);
}

bool harness_seen(enum verdict verdict)
{
	return harness.seen[verdict];
}

/* ---- a packet ---- */

/* The verdict whose counter moved, on this CPU, by 1, and no other one did. */
static int verdict_moved(void)
{
	int moved = -1, changes = 0;

	for (int i = 0; i < harness.cpus * VERDICT_SLOTS; i++) {
		if (harness.verdict_now[i] == harness.verdict[i])
			continue;
		changes++;
		if (i / VERDICT_SLOTS == harness.cpu && harness.verdict_now[i] == harness.verdict[i] + 1)
			moved = i % VERDICT_SLOTS;
	}
	memcpy(harness.verdict, harness.verdict_now, verdict_size());
	return changes == 1 ? moved : -1;
}

/* What a row gained; the rest of it must be what it was. */
static bool row_moved(const struct flow_slot *before, const struct flow_slot *now, struct counts *counts)
{
	struct flow_slot rest = *now;

	counts->packets = (now->usage - before->usage) >> USAGE_SHIFT;
	counts->data = (now->usage - before->usage) & (USAGE_PACKET - 1);
	rest.usage = before->usage;
	return !memcmp(&rest, before, sizeof(rest));
}

/* The same of its note. */
static bool note_moved(const struct flow_note *before, const struct flow_note *now, struct counts *counts,
		       struct noted *noted)
{
	struct flow_note rest = *now;

	counts->trimmed = now->trimmed - before->trimmed;
	rest.trimmed = before->trimmed;
	noted->sampled = before->sample && !now->sample;
	if (noted->sampled)
		rest.sample = before->sample;
	noted->seen = note_places(now) & ~note_places(before);
	note_places_put(&rest, note_places(now) & ~noted->seen);
	return !memcmp(&rest, before, sizeof(rest));
}

static void usage_moved(struct outcome *outcome)
{
	const struct flow_slot *now = tables_slots();
	const struct flow_note *notes = tables_notes();

	memset(outcome->gained, 0, sizeof(outcome->gained));
	memset(outcome->noted, 0, sizeof(outcome->noted));
	for (int row = 0; row < TABLES_ROWS; row++) {
		struct counts *counts = NULL;
		struct noted *noted = NULL;

		if (!memcmp(&now[row], &harness.slots[row], sizeof(*now)) &&
		    !memcmp(&notes[row], &harness.notes[row], sizeof(*notes)))
			continue;
		for (int flow = 0; flow < FLOWS; flow++)
			if (row == tables_row(flow)) {
				counts = &outcome->gained[flow];
				noted = &outcome->noted[flow];
			}
		if (!noted || !row_moved(&harness.slots[row], &now[row], counts) ||
		    !note_moved(&harness.notes[row], &notes[row], counts, noted))
			outcome->foul = "wrote into the table of flows";
	}
}


static void linear_set(struct frame *frame)
{
	uint32_t most = HARNESS_BUFFER;

	if (!frame->linear || frame->linear > frame->length)
		frame->linear = frame->length < most ? frame->length : most;
}

/* How much a test run's last buffer may grow. */
static uint32_t tailroom(const struct frame *frame)
{
	uint32_t page = getpagesize(), last = (frame->length - frame->linear) % page;

	if (frame->linear == frame->length)
		return HARNESS_BUFFER - frame->linear;
	return last ? page - last : 0;
}

/* 0 or -errno. */
static int run(const struct world *world, const struct frame *frame, struct outcome *outcome)
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

	memset(in, 0xcc, world->metadata);
	memcpy(in + world->metadata, frame->byte, frame->length);
	md_in.data = world->metadata;
	md_in.data_end = opts.data_size_in;
	if (frame->linear < frame->length && frame->linear < HARNESS_BUFFER)
		md_in.data_end = world->metadata + frame->linear;
	md_in.ingress_ifindex = world->ingress;
	if (bpf_prog_test_run_opts(bpf_program__fd(harness.skel->progs.turn), &opts))
		return -errno;
	outcome->action = opts.retval;
	outcome->frame.length = opts.data_size_out - md_out.data;
	memcpy(outcome->frame.byte, sent + md_out.data, outcome->frame.length);
	return 0;
}

/* What the program writes into the entries of the interfaces; the rest of them must be what it was. */
static void ports_moved(const struct world *world, struct outcome *outcome)
{
	const struct attachment *port = harness.skel->bss->attachments;

	for (int i = 0; i < ABI_PORTS; i++) {
		outcome->seen[i] = port[i].seen;
		outcome->no_room[i] = port[i].no_room;
		if (memcmp(&port[i], &world->port[i], offsetof(struct attachment, seen)) != 0)
			outcome->foul = "wrote into the entry of an interface";
	}
	outcome->stray = harness.skel->bss->stray;
}

static void ports_clear(void)
{
	for (int i = 0; i < ABI_PORTS; i++)
		harness.skel->bss->attachments[i].seen = harness.skel->bss->attachments[i].no_room = 0;
	harness.skel->bss->stray = (struct stray){0};
}

void harness_send(const struct world *world, struct frame *frame, struct outcome *outcome)
{
	int error;

	linear_set(frame);
	outcome->foul = NULL;
	outcome->ifindex = outcome->frame.linear = 0;
	tables_put(harness.skel, world);
	ports_clear();
	memcpy(harness.slots, tables_slots(), sizeof(harness.slots));
	memcpy(harness.notes, tables_notes(), sizeof(harness.notes));
	error = run(world, frame, outcome);
	if (error)
		fail_msg("BPF_PROG_TEST_RUN of %u bytes: %s", frame->length, strerror(-error));
	outcome->verdict = verdict_moved();
	if (outcome->verdict >= 0)
		harness.seen[outcome->verdict] = true;
	usage_moved(outcome);
	ports_moved(world, outcome);
	tables_limits(harness.skel, outcome->limit);
}

void harness_expect(const struct world *world, struct frame *frame, struct expectation *want)
{
	static struct world now;
	struct timespec time;

	linear_set(frame);
	clock_gettime(CLOCK_MONOTONIC, &time);
	now = *world;
	now.now = time.tv_sec * 1000000000ull + time.tv_nsec;
	now.frags = harness.skel->rodata->frags;
	now.can_move = harness.skel->rodata->can_move;
	now.tailroom = tailroom(frame);
	if (harness.fixed)
		now.headroom = -(int32_t)sizeof(frame->byte);
	for (int i = 0; i < FLOWS; i++)
		if (tables_row(i) >= 0)
			now.flow[i].counts.packets = harness.slots[tables_row(i)].usage >> USAGE_SHIFT;
	model_decide(&now, frame, want);
}

const char *harness_judge(const struct world *world, struct frame *frame, struct expectation *want,
			  struct outcome *outcome)
{
	harness_send(world, frame, outcome);
	harness_expect(world, frame, want);
	return judge(frame, want, outcome);
}

void harness_send_again(const struct world *world, struct frame *frame, struct outcome *outcome)
{
	int error = run(world, frame, outcome);

	if (error)
		fail_msg("BPF_PROG_TEST_RUN of %u bytes: %s", frame->length, strerror(-error));
	outcome->verdict = verdict_moved();
}

void harness_need_linear(void)
{
	static struct frame frame = {.length = 200, .linear = 60};
	static struct outcome outcome;
	static struct world world;
	const struct path path = {WAY_PEER, 4, 0, 4};

	harness_need();
	world_default(&world, &path);
	tables_put(harness.skel, &world);
	if (run(&world, &frame, &outcome))
		harness_skip("test runs of this kernel do not divide frames (Linux 6.18)");
	verdict_moved();
}

/* Linux 6.8 allows more. */
#define METADATA_ALWAYS 32

bool harness_takes(const struct world *world)
{
	static enum { UNKNOWN, LITTLE, MUCH } metadata;
	static struct frame frame = {.length = 200, .linear = 200};
	static struct outcome outcome;
	static struct world probe;

	if (world->metadata <= METADATA_ALWAYS)
		return true;
	if (metadata == UNKNOWN) {
		/* On no interface of ours: the tables do not matter. */
		probe.metadata = METADATA_ALWAYS + 4;
		metadata = run(&probe, &frame, &outcome) ? LITTLE : MUCH;
		verdict_moved();
	}
	return metadata == MUCH;
}
