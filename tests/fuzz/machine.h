/* SPDX-License-Identifier: BSD-3-Clause */
/* The kernel that the program sees: tables, a packet buffer, helpers. */
#ifndef FUZZ_MACHINE_H
#define FUZZ_MACHINE_H

#include "world.h"

struct outcome {
	int action;
	int verdict;      /* -1: not exactly one counter moved, by 1, on this CPU */
	uint32_t ifindex; /* of the last redirect asked for */
	struct counts counts[FLOWS]; /* afterwards */
	struct limit limit[LIMITS];  /* the same */
	const char *foul; /* what the program must never do; NULL */
	struct frame frame;
};

/* Sends the frame through the program. Memory errors end the process (ASan). */
void machine_run(const struct world *world, const struct frame *frame, struct outcome *outcome);

#endif
