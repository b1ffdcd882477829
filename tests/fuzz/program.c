/* SPDX-License-Identifier: BSD-3-Clause */
#include "program.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "turn.bpf.c"

struct attachment *const program_attachments = attachments;
struct gate *const program_hairpin = &hairpin;
__u64 *const program_deadlines = deadlines;
const volatile __u64 *const program_seed = flow_seed;

enum program_map program_map(const void *map)
{
	if (map == &flows)
		return MAP_FLOWS;
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

void program_configure(uint32_t rows, uint32_t with_frags, uint32_t with_coarse_clock, uint32_t with_weak_order)
{
	constant_set(&flow_slots, rows);
	constant_set64(&flow_slot_stride, flow_stride(rows));
	constant_set(&frags, with_frags);
	constant_set(&coarse_clock, with_coarse_clock);
	constant_set(&weak_order, with_weak_order);
}

int program_run(struct xdp_md *ctx)
{
	return turn(ctx);
}
