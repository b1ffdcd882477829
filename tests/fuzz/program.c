/* SPDX-License-Identifier: BSD-3-Clause */
#include "program.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "turn.bpf.c"

struct attachment *const program_attachments = attachments;
struct gate *const program_hairpin = &hairpin;
struct stray *const program_stray = &stray;
__u64 *const program_deadlines = deadlines;
union abi_addr *const program_own6 = own6;
struct egress *const program_egresses = egresses;
const volatile __u64 *const program_seed = flow_seed;

enum program_map program_map(const void *map)
{
	if (map == &flows)
		return MAP_FLOWS;
	if (map == &words)
		return MAP_WORDS;
	if (map == &vlans)
		return MAP_VLANS;
	if (map == &hops)
		return MAP_HOPS;
	if (map == &limits)
		return MAP_LIMITS;
	if (map == &verdicts)
		return MAP_VERDICTS;
	if (map == &devices)
		return MAP_DEVICES;
	if (map == &notes)
		return MAP_NOTES;
	if (map == &scratch)
		return MAP_SCRATCH;
	return MAP_NONE;
}

/* const volatile is what a loader may change; here it stands in memory that is read-only. */
static void writable(uintptr_t at)
{
	uintptr_t page = (uintptr_t)getpagesize();

	if (mprotect((void *)(at & ~(page - 1)), page, PROT_READ | PROT_WRITE)) {
		perror("mprotect");
		abort();
	}
}

static void constant_set(const volatile __u32 *constant, __u32 value)
{
	if (*constant == value)
		return;
	writable((uintptr_t)constant);
	*(volatile __u32 *)(uintptr_t)constant = value;
}

static void constant_set64(const volatile __u64 *constant, __u64 value)
{
	if (*constant == value)
		return;
	writable((uintptr_t)constant);
	*(volatile __u64 *)(uintptr_t)constant = value;
}

void program_configure(uint32_t rows, const struct world *world)
{
	constant_set(&flow_slots, rows);
	constant_set64(&flow_slot_stride, flow_stride(rows));
	constant_set(&frags, world->frags);
	constant_set(&can_move, world->can_move);
	constant_set(&coarse_clock, world->coarse_clock);
	constant_set(&weak_order, world->weak_order);
}

int program_run(struct xdp_md *ctx)
{
	return turn(ctx);
}
