/* SPDX-License-Identifier: BSD-3-Clause */
/* The XDP program, compiled for this machine. */
#ifndef FUZZ_PROGRAM_H
#define FUZZ_PROGRAM_H

#include <stdint.h>

#include "abi.h"
#include "model/world.h"

struct xdp_md;

enum program_map {
	MAP_NONE, MAP_FLOWS, MAP_WORDS, MAP_VLANS, MAP_HOPS, MAP_LIMITS, MAP_VERDICTS, MAP_DEVICES, MAP_NOTES, MAP_SCRATCH
};

enum program_map program_map(const void *map);
/* Rows of its .bss, to be filled and compared. */
extern struct attachment *const program_attachments;
extern struct gate *const program_hairpin;
extern struct stray *const program_stray;
extern __u64 *const program_deadlines;
extern union abi_addr *const program_own6;
/* Likewise of .data.egress. */
extern struct egress *const program_egresses;
/* Its .rodata, as the loader sets it for the world's kernel. */
void program_configure(uint32_t rows, const struct world *world);
/* FLOW_SEEDS of them, which it is built with. */
extern const volatile __u64 *const program_seed;
int program_run(struct xdp_md *ctx);

#endif
