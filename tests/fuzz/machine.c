/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory outside of the frame is poisoned for ASan, as the verifier would have
 * it, and compared afterwards. Return values are those of Linux (net/core/filter.c,
 * include/net/xdp.h).
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* MAP_FIXED_NOREPLACE */
#endif

#include "machine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <linux/bpf.h>
#include <sanitizer/asan_interface.h>

#include <bpf/bpf_helpers.h>

#include "program.h"

/* struct xdp_md has addresses of 32 bits. */
#define AREA_ADDRESS 0x60000000
#define AREA_SIZE 0x80000
#define PIECES_MAX 20
#define HEADROOM_MAX 512
/* Bytes around a buffer that must stay as they are. */
#define GUARD 64
#define GUARD_BYTE 0xc7
#define ETH_HEADER 14
#define CSUM_DIFF_MAX 512
/* Of the table of flows: enough that no row is one of a flow's twice. */
#define ROWS 320

struct buffer {
	uint8_t *start;
	uint32_t length;
};

static struct {
	const struct world *world;
	struct world copy; /* what the program gets to see, so that it cannot change the first */
	struct flow_slot slot[ROWS], slot_before[ROWS];
	struct flow_words words[ROWS], words_before[ROWS];
	union abi_addr own6_before[ABI_OWN6];
	struct flow_note note[ROWS], note_before[ROWS];
	uint32_t row[FLOWS];
	struct hop_entry hop[HOPS], hop_before[HOPS];
	struct egress egress_before[ABI_EGRESSES];
	uint64_t verdict[CPUS][VERDICT_SLOTS];
	uint8_t scratch[2048]; /* as large as the program's */
	uint8_t *hard_start; /* of the first buffer's headroom */
	uint8_t *meta, *area;
	struct buffer first, piece[PIECES_MAX];
	int pieces;
	uint32_t used; /* bytes of the area */
	uint32_t redirected;
	const char *foul;
	uint64_t runs;
	/* what changes meanwhile: */
	const struct race *race;
	struct race_step step[RACE_STEPS];
	uint8_t *target[PLACES]; /* what it changes */
	uint8_t *before[PLACES]; /* what that is compared with */
	const void *read[PLACES]; /* what the program reads of it */
	size_t read_size[PLACES];
	int steps, done;
	uint32_t loads;
	bool reading;
	unsigned long races;
} machine;

static uint8_t pristine[AREA_SIZE];

static void foul(const char *what)
{
	if (!machine.foul)
		machine.foul = what;
}

/* --- the packet buffer ----------------------------------------------------- */

static void area_map(void)
{
	void *area = mmap((void *)AREA_ADDRESS, AREA_SIZE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	if (area != (void *)AREA_ADDRESS) {
		perror("no memory below 4 GiB");
		abort();
	}
	machine.area = area;
}

/* A buffer of its own, after what is taken: guard, bytes, guard. */
static uint8_t *buffer_take(struct buffer *buffer, uint32_t before, const uint8_t *byte, uint32_t length)
{
	uint8_t *at = machine.area + machine.used;
	uint32_t room = GUARD + before + length + GUARD;

	memset(at, GUARD_BYTE, room);
	buffer->start = at + GUARD + before;
	buffer->length = length;
	memcpy(buffer->start, byte, length);
	machine.used += (room + 63) & ~63u;
	return at + GUARD;
}

static void poison(void)
{
	ASAN_POISON_MEMORY_REGION(machine.area, machine.used);
	ASAN_UNPOISON_MEMORY_REGION(machine.first.start, machine.first.length);
}

static void frame_place(const struct world *world, const struct frame *frame)
{
	uint32_t at = frame->linear < frame->length ? frame->linear : frame->length;

	if (!machine.area)
		area_map();
	ASAN_UNPOISON_MEMORY_REGION(machine.area, machine.used);
	machine.used = 0;
	machine.pieces = 0;
	machine.hard_start = buffer_take(&machine.first, HEADROOM_MAX, frame->byte, at) + HEADROOM_MAX -
			     world->headroom;
	machine.meta = machine.first.start - world->metadata;
	for (; at < frame->length; at += machine.piece[machine.pieces++].length) {
		uint32_t rest = frame->length - at;

		if (machine.pieces + 1 < PIECES_MAX && rest > frame->piece)
			rest = frame->piece;
		buffer_take(&machine.piece[machine.pieces], 0, frame->byte + at, rest);
	}
	memcpy(pristine, machine.area, machine.used);
	poison();
}

static uint32_t frame_bytes(void)
{
	uint32_t length = machine.first.length;

	for (int i = 0; i < machine.pieces; i++)
		length += machine.piece[i].length;
	return length;
}

static void frame_collect(struct frame *frame)
{
	uint32_t at = machine.first.length;

	memcpy(frame->byte, machine.first.start, at);
	for (int i = 0; i < machine.pieces; i++) {
		memcpy(frame->byte + at, machine.piece[i].start, machine.piece[i].length);
		at += machine.piece[i].length;
	}
	frame->length = at;
	frame->linear = machine.first.length;
}

/* Whether anything but the frame was written; metadata moves with the frame's start. */
static void guards_check(const struct world *world)
{
	uint8_t *from = machine.first.start, *to = machine.first.start + machine.first.length;
	uint32_t before = from - machine.area, after = to - machine.area;

	if (!world->metadata && memcmp(machine.area, pristine, before) != 0)
		foul("wrote before the frame");
	/* What the other buffers have is part of the frame. */
	for (int i = 0; i < machine.pieces; i++)
		memcpy(pristine + (machine.piece[i].start - machine.area), machine.piece[i].start,
		       machine.piece[i].length);
	if (memcmp(to, pristine + after, machine.used - after) != 0)
		foul("wrote behind the frame");
}

static void context_set(struct xdp_md *ctx)
{
	ctx->data = (uintptr_t)machine.first.start;
	ctx->data_end = (uintptr_t)(machine.first.start + machine.first.length);
	ctx->data_meta = (uintptr_t)machine.meta;
}

long bpf_xdp_adjust_head(struct xdp_md *ctx, int delta)
{
	uint8_t *data = machine.first.start + delta;
	uint32_t metadata = machine.world->metadata;

	if (data < machine.hard_start + metadata || data > machine.first.start + machine.first.length - ETH_HEADER)
		return -EINVAL;
	ASAN_UNPOISON_MEMORY_REGION(machine.area, machine.used);
	memmove(machine.meta + delta, machine.meta, metadata);
	machine.meta += delta;
	machine.first.start = data;
	machine.first.length -= delta;
	poison();
	context_set(ctx);
	return 0;
}

static long tail_grow(uint32_t more)
{
	struct buffer *last = machine.pieces ? &machine.piece[machine.pieces - 1] : &machine.first;

	if (more > machine.world->tailroom)
		return -EINVAL;
	ASAN_UNPOISON_MEMORY_REGION(machine.area, machine.used);
	memset(last->start + last->length, 0, more);
	last->length += more;
	return 0;
}

static long tail_shrink(uint32_t less)
{
	if (machine.world->tail_fails || less > frame_bytes() - ETH_HEADER)
		return -EINVAL;
	while (machine.pieces && less) {
		struct buffer *last = &machine.piece[machine.pieces - 1];
		uint32_t part = less < last->length ? less : last->length;

		last->length -= part;
		less -= part;
		if (!last->length)
			machine.pieces--;
	}
	machine.first.length -= less;
	return 0;
}

long bpf_xdp_adjust_tail(struct xdp_md *ctx, int delta)
{
	long error;

	if (!delta)
		foul("asked for the same tail");
	if (delta > 0 && !machine.world->can_move)
		foul("asked an old kernel for a longer tail");
	error = delta > 0 ? tail_grow((uint32_t)delta) : tail_shrink((uint32_t)-delta);
	poison();
	context_set(ctx);
	return error;
}

__u64 bpf_xdp_get_buff_len(struct xdp_md *ctx)
{
	(void)ctx;
	if (!machine.world->frags)
		foul("called a helper that this kernel does not have (frags)");
	return frame_bytes();
}

/* Calls `each` for the parts of `length` bytes that are in one buffer. 0 or -errno, as Linux has it. */
static long bytes_each(uint32_t offset, uint8_t *byte, uint32_t length,
		       void (*each)(uint8_t *frame, uint8_t *byte, uint32_t length))
{
	if (!machine.world->frags && !machine.world->can_move)
		foul("called a helper that this kernel does not have (bytes)");
	if (!length)
		foul("asked for no bytes, which the verifier refuses");
	if (offset > 0xffff || length > 0xffff)
		return -EFAULT;
	if (offset + length > frame_bytes())
		return -EINVAL;
	ASAN_UNPOISON_MEMORY_REGION(machine.area, machine.used);
	for (int i = -1; i < machine.pieces && length; i++) {
		const struct buffer *buffer = i < 0 ? &machine.first : &machine.piece[i];
		uint32_t part;

		if (offset >= buffer->length) {
			offset -= buffer->length;
			continue;
		}
		part = buffer->length - offset < length ? buffer->length - offset : length;
		each(buffer->start + offset, byte, part);
		byte += part;
		length -= part;
		offset = 0;
	}
	poison();
	return 0;
}

static void bytes_load(uint8_t *frame, uint8_t *byte, uint32_t length)
{
	memcpy(byte, frame, length);
}

static void bytes_store(uint8_t *frame, uint8_t *byte, uint32_t length)
{
	memcpy(frame, byte, length);
}

long bpf_xdp_load_bytes(struct xdp_md *ctx, __u32 offset, void *to, __u32 length)
{
	(void)ctx;
	return bytes_each(offset, to, length, bytes_load);
}

long bpf_xdp_store_bytes(struct xdp_md *ctx, __u32 offset, void *from, __u32 length)
{
	(void)ctx;
	return bytes_each(offset, from, length, bytes_store);
}

__s64 bpf_csum_diff(__be32 *from, __u32 from_size, __be32 *to, __u32 to_size, __u32 seed)
{
	uint64_t sum = seed;

	if (from_size % 4 || to_size % 4 || from_size + to_size > CSUM_DIFF_MAX)
		return -EINVAL;
	for (uint32_t i = 0; i < from_size / 4; i++)
		sum += (uint32_t)~from[i];
	for (uint32_t i = 0; i < to_size / 4; i++)
		sum += to[i];
	while (sum >> 32)
		sum = (sum & 0xffffffff) + (sum >> 32);
	if (machine.world->sum_folded) {
		while (sum >> 16)
			sum = (sum & 0xffff) + (sum >> 16);
	}
	return sum;
}

/* --- tables, clocks, CPUs -------------------------------------------------- */

/* The rows where it may stand are not full: there are few flows. */
static uint32_t next_free(uint64_t *hash, uint32_t *probe)
{
	uint32_t row;

	while (machine.slot[row = flow_slot_index(*hash, ROWS)].seq) {
		machine.slot[row].passed++;
		*hash = flow_step(*hash, (*probe)++, flow_stride(ROWS));
	}
	return row;
}

/* The index of an IPv6 address among the server's own. All zeros mean that there is none yet, but for the last. */
static uint32_t own_put(const void *address)
{
	static const union abi_addr none;
	uint32_t index = 0;

	if (!memcmp(&none, address, 16))
		return ABI_OWN6 - 1;
	while (memcmp(&program_own6[index], address, 16) != 0 && memcmp(&program_own6[index], &none, 16) != 0)
		if (++index == ABI_OWN6 - 1)
			abort();
	memcpy(&program_own6[index], address, 16);
	return index;
}

static void key_put(struct flow_slot *slot, struct flow_words *words, const struct flow_entry *entry)
{
	const struct flow_key6 *v6 = &entry->key.v6;

	if (entry->family != 6) {
		memcpy(&slot->key_saddr, &entry->key.v4, sizeof(entry->key.v4));
		return;
	}
	slot->key_saddr = v6->saddr[0];
	slot->key_daddr = own_put(v6->daddr);
	words->key_saddr = v6->saddr[1];
	memcpy(&words->key_saddr_end, v6->saddr + 2, 8);
	memcpy(&slot->key_sport, &v6->sport, 8);
}

/* Another flow, which leads to nowhere that is known; or the same, which has ended. */
static void before_put(uint32_t row, const struct flow_entry *entry, unsigned int number)
{
	struct flow_slot *slot = &machine.slot[row];
	struct flow_entry other = *entry;

	if (entry->before == BEFORE_OTHERS)
		flow_key_near(&other, number);
	key_put(slot, &machine.words[row], &other);
	memset(slot->rest, 0xee, sizeof(slot->rest));
	slot->seq = entry->before == BEFORE_OTHERS ? 0x77 : 0x78;
}

static void content_put(struct flow_slot *slot, struct flow_words *words, const struct flow *flow)
{
	memcpy(slot->rest, (const char *)flow + FLOW_REST, sizeof(slot->rest));
	slot->saddr = flow->flags & FLOW_V6 ? own_put(flow->saddr.v6) : flow->saddr.v4;
	slot->daddr = flow->daddr.word[0];
	words->daddr = flow->daddr.word[1];
	memcpy(&words->daddr_end, flow->daddr.word + 2, 8);
}

static void flow_put(int which)
{
	const struct flow_entry *entry = &machine.world->flow[which];
	uint64_t hash = entry->family == 6 ? flow_hash6(program_seed, &entry->key.v6) : flow_hash(program_seed, &entry->key.v4);
	uint32_t row, probe = 1;
	struct flow_slot *slot;

	for (unsigned int i = 0; i < entry->behind; i++) {
		row = next_free(&hash, &probe);
		before_put(row, entry, i);
		/* Their gates are closed, and nothing is left to be noted. */
		note_places_put(&machine.note[row], GATE_PLACES);
	}
	row = next_free(&hash, &probe);
	slot = &machine.slot[row];
	key_put(slot, &machine.words[row], entry);
	content_put(slot, &machine.words[row], &entry->flow);
	slot->usage = entry->counts.packets * USAGE_PACKET + entry->counts.data;
	slot->gate = entry->gate;
	machine.note[row] = entry->note;
	machine.note[row].trimmed = entry->counts.trimmed;
	slot->seq = entry->ended ? 0x80000000u : 0xffffffffu;
	machine.row[which] = row;
}

static void flows_put(void)
{
	memset(machine.slot, 0, sizeof(machine.slot));
	memset(machine.words, 0, sizeof(machine.words));
	memset(program_own6, 0, ABI_OWN6 * sizeof(*program_own6));
	memset(machine.note, 0, sizeof(machine.note));
	for (int i = 0; i < FLOWS; i++)
		if (!machine.world->flow[i].absent)
			flow_put(i);
	memcpy(machine.slot_before, machine.slot, sizeof(machine.slot));
	memcpy(machine.words_before, machine.words, sizeof(machine.words));
	memcpy(machine.note_before, machine.note, sizeof(machine.note));
}

/* Nothing but the counters of flows may have changed. */
static void flows_collect(struct outcome *outcome)
{
	for (int i = 0; i < FLOWS; i++) {
		struct flow_slot *slot = &machine.slot[machine.row[i]], *before = &machine.slot_before[machine.row[i]];
		struct flow_note *note = &machine.note[machine.row[i]], *noted = &machine.note_before[machine.row[i]];

		memset(&outcome->gained[i], 0, sizeof(outcome->gained[i]));
		memset(&outcome->noted[i], 0, sizeof(outcome->noted[i]));
		if (machine.world->flow[i].absent)
			continue;
		outcome->gained[i].packets = (slot->usage - before->usage) >> USAGE_SHIFT;
		outcome->gained[i].data = (slot->usage - before->usage) & (USAGE_PACKET - 1);
		outcome->gained[i].trimmed = note->trimmed - noted->trimmed;
		slot->usage = before->usage;
		outcome->noted[i].sampled = noted->sample && !note->sample;
		outcome->noted[i].seen = note_places(note) & ~note_places(noted);
		note->trimmed = noted->trimmed;
		note->sample |= outcome->noted[i].sampled;
		note_places_put(note, note_places(note) & ~outcome->noted[i].seen);
	}
	if (memcmp(machine.slot, machine.slot_before, sizeof(machine.slot)) != 0 ||
	    memcmp(machine.words, machine.words_before, sizeof(machine.words)) != 0 ||
	    memcmp(program_own6, machine.own6_before, sizeof(machine.own6_before)) != 0 ||
	    memcmp(machine.note, machine.note_before, sizeof(machine.note)) != 0)
		foul("wrote into the table of flows");
}

static void hops_put(void)
{
	memset(program_egresses, 0, sizeof(machine.egress_before));
	for (int i = 0; i < HOPS; i++) {
		machine.hop[i] = world_hop_entry(&machine.world->hop[i], i);
		program_egresses[WORLD_EGRESS(i)] = world_egress(&machine.world->hop[i]);
	}
	memcpy(machine.hop_before, machine.hop, sizeof(machine.hop));
	memcpy(machine.egress_before, program_egresses, sizeof(machine.egress_before));
}

static void hops_check(void)
{
	if (memcmp(machine.hop, machine.hop_before, sizeof(machine.hop)) != 0 ||
	    memcmp(program_egresses, machine.egress_before, sizeof(machine.egress_before)) != 0)
		foul("wrote into the table of next hops or egresses");
}

static void *vlan_lookup(const void *key)
{
	for (int i = 0; i < VLANS; i++) {
		struct vlan_entry *entry = &machine.copy.vlan[i];

		if (entry->key.ifindex && !memcmp(&entry->key, key, sizeof(entry->key)))
			return &entry->vlan;
	}
	return NULL;
}

void *bpf_map_lookup_elem(const void *map, const void *key)
{
	uint32_t index = 0;

	switch (program_map(map)) {
	case MAP_FLOWS:
		memcpy(&index, key, sizeof(index));
		return index < ROWS ? &machine.slot[index] : NULL;
	case MAP_WORDS:
		memcpy(&index, key, sizeof(index));
		return index < ROWS ? &machine.words[index] : NULL;
	case MAP_NOTES:
		memcpy(&index, key, sizeof(index));
		return index < ROWS ? &machine.note[index] : NULL;
	case MAP_VLANS:
		return vlan_lookup(key);
	case MAP_HOPS:
		memcpy(&index, key, sizeof(index));
		return index < HOPS ? &machine.hop[index] : NULL;
	case MAP_LIMITS:
		memcpy(&index, key, sizeof(index));
		return index < LIMITS ? &machine.copy.limit[index] : NULL;
	case MAP_SCRATCH:
		memcpy(&index, key, sizeof(index));
		return index < 1 ? machine.scratch : NULL;
	case MAP_VERDICTS:
		memcpy(&index, key, sizeof(index));
		return index < CPUS ? machine.verdict[index] : NULL;
	default:
		foul("looked into a table that cannot be looked into");
		return NULL;
	}
}

long bpf_redirect_map(const void *map, __u64 key, __u64 flags)
{
	if (program_map(map) != MAP_DEVICES)
		foul("redirected by a table of other things");
	for (int i = 0; i < DEVICES; i++)
		if (key && machine.world->device[i] == key) {
			machine.redirected = key;
			return XDP_REDIRECT;
		}
	return flags & 3;
}

/* Each run is at another time, which the program must not take for that of the last. */
__u64 bpf_jiffies64(void)
{
	return machine.runs;
}

__u64 bpf_ktime_get_ns(void)
{
	return machine.world->now;
}

__u64 bpf_ktime_get_coarse_ns(void)
{
	if (!machine.world->coarse_clock)
		foul("called a helper that this kernel does not have (coarse clock)");
	return machine.world->now;
}

__u32 bpf_get_smp_processor_id(void)
{
	return machine.world->cpu;
}

/* --- a writer at the same time --------------------------------------------- */

static void step_put(uint8_t *const place[PLACES], const struct race_step *step)
{
	memcpy(place[step->place] + step->offset, &step->value, sizeof(step->value));
}

static void race_step(int steps)
{
	for (; steps && machine.done < machine.steps; steps--)
		step_put(machine.target, &machine.step[machine.done++]);
}

/* Before every load of the program; those of what changes count. */
static void load(const void *from)
{
	bool counts = false;

	if (!machine.reading)
		return;
	for (int i = 0; i < PLACES; i++)
		counts |= (uintptr_t)from - (uintptr_t)machine.read[i] < machine.read_size[i];
	if (!counts)
		return;
	if (machine.loads++ < machine.race->first)
		return;
	if (!machine.done)
		machine.races++;
	race_step(machine.race->pace ? (int)machine.race->pace : RACE_STEPS);
}

/* clang calls these: -fsanitize-coverage=trace-loads. */
void __sanitizer_cov_load1(uint8_t *from);
void __sanitizer_cov_load2(uint16_t *from);
void __sanitizer_cov_load4(uint32_t *from);
void __sanitizer_cov_load8(uint64_t *from);
void __sanitizer_cov_load16(__uint128_t *from);

void __sanitizer_cov_load1(uint8_t *from)
{
	load(from);
}

void __sanitizer_cov_load2(uint16_t *from)
{
	load(from);
}

void __sanitizer_cov_load4(uint32_t *from)
{
	load(from);
}

void __sanitizer_cov_load8(uint64_t *from)
{
	load(from);
}

void __sanitizer_cov_load16(__uint128_t *from)
{
	load(from);
}

static void race_prepare_hop(const struct race *race, uint32_t hop)
{
	uint16_t egress = race_hop_egress(race);

	machine.read[PLACE_SLOT] = &machine.hop[hop];
	machine.read_size[PLACE_SLOT] = sizeof(machine.hop[hop]);
	machine.read[PLACE_EGRESS] = &program_egresses[machine.hop[hop].egress];
	machine.read_size[PLACE_EGRESS] = sizeof(struct egress);
	machine.target[PLACE_SLOT] = (uint8_t *)&machine.hop[hop];
	machine.target[PLACE_EGRESS] = (uint8_t *)&program_egresses[egress];
	machine.before[PLACE_SLOT] = (uint8_t *)&machine.hop_before[hop];
	machine.before[PLACE_EGRESS] = (uint8_t *)&machine.egress_before[egress];
	machine.steps = race_hop_steps(race, &machine.hop[hop], &program_egresses[egress], machine.step);
}

static void race_prepare(const struct race *race)
{
	const struct flow_entry *entry = &race->after.flow[race->which];
	uint32_t row = machine.row[race->which];
	struct flow_slot *slot = &machine.slot[row], to;
	struct flow_words *words = &machine.words[row], to_words;

	machine.race = race;
	machine.loads = machine.done = machine.steps = 0;
	machine.reading = race->kind;
	memset(machine.read_size, 0, sizeof(machine.read_size));
	if (race->kind == RACE_HOP) {
		race_prepare_hop(race, entry->flow.hop);
	} else if (race->kind) {
		to = *slot;
		to_words = *words;
		key_put(&to, &to_words, entry);
		content_put(&to, &to_words, &entry->flow);
		to.gate = entry->gate;
		machine.read[PLACE_SLOT] = slot;
		machine.read_size[PLACE_SLOT] = sizeof(*slot);
		machine.read[PLACE_WORDS] = words;
		machine.read_size[PLACE_WORDS] = sizeof(*words);
		machine.target[PLACE_SLOT] = (uint8_t *)slot;
		machine.target[PLACE_WORDS] = (uint8_t *)words;
		machine.before[PLACE_SLOT] = (uint8_t *)&machine.slot_before[row];
		machine.before[PLACE_WORDS] = (uint8_t *)&machine.words_before[row];
		machine.steps = race_flow_steps(race, slot, words, &to, &to_words, machine.step);
	}
	memcpy(machine.own6_before, program_own6, sizeof(machine.own6_before));
}

/* The rest of it; and what is compared with the tables has changed in the same way. */
static void race_finish(void)
{
	machine.reading = false;
	race_step(RACE_STEPS);
	for (int i = 0; i < machine.steps; i++)
		step_put(machine.before, &machine.step[i]);
}

unsigned long machine_races(void)
{
	return machine.races;
}

/* --- a run ----------------------------------------------------------------- */

static int verdict_moved(void)
{
	int moved = -1;

	for (uint32_t cpu = 0; cpu < CPUS; cpu++)
		for (int i = 0; i < VERDICT_SLOTS; i++) {
			if (!machine.verdict[cpu][i])
				continue;
			if (moved >= 0 || cpu != machine.world->cpu || machine.verdict[cpu][i] != 1)
				return -1;
			moved = i;
		}
	return moved;
}

/* The program may write the last two words of each. */
static bool ports_same(const struct world *world)
{
	for (int i = 0; i < ABI_PORTS; i++)
		if (memcmp(&program_attachments[i], &world->port[i], offsetof(struct attachment, seen)) != 0)
			return false;
	return true;
}

/* All tables but the limits, which are compared by who knows what is right. */
static void tables_check(const struct world *world)
{
	memcpy(machine.copy.limit, world->limit, sizeof(world->limit));
	if (memcmp(&machine.copy, world, sizeof(*world)) != 0 ||
	    !ports_same(world) ||
	    memcmp(program_hairpin, &world->hairpin, sizeof(world->hairpin)) != 0 ||
	    memcmp(program_deadlines, world->deadline, sizeof(world->deadline)) != 0)
		foul("wrote into a table");
}

void machine_run(const struct world *world, const struct race *race, const struct frame *frame,
		 struct outcome *outcome)
{
	struct xdp_md ctx = {.ingress_ifindex = world->ingress, .rx_queue_index = 0};

	machine.world = world;
	machine.runs++;
	memcpy(&machine.copy, world, sizeof(*world));
	memset(machine.verdict, 0, sizeof(machine.verdict));
	machine.redirected = 0;
	machine.foul = NULL;
	memcpy(program_attachments, world->port, sizeof(world->port));
	*program_hairpin = world->hairpin;
	memcpy(program_deadlines, world->deadline, sizeof(world->deadline));
	*program_stray = (struct stray){0};
	program_configure(ROWS, world);
	flows_put();
	hops_put();
	frame_place(world, frame);
	context_set(&ctx);

	race_prepare(race);
	outcome->action = program_run(&ctx);
	race_finish();

	ASAN_UNPOISON_MEMORY_REGION(machine.area, machine.used);
	guards_check(world);
	frame_collect(&outcome->frame);
	outcome->verdict = verdict_moved();
	outcome->ifindex = machine.redirected;
	for (int i = 0; i < ABI_PORTS; i++) {
		outcome->seen[i] = program_attachments[i].seen;
		outcome->no_room[i] = program_attachments[i].no_room;
	}
	outcome->stray = *program_stray;
	flows_collect(outcome);
	memcpy(outcome->limit, machine.copy.limit, sizeof(outcome->limit));
	tables_check(world);
	hops_check();
	outcome->foul = machine.foul;
}
