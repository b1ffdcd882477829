/* SPDX-License-Identifier: BSD-3-Clause */
/* The kernel that the program sees: tables, a packet buffer, helpers. */
#ifndef FUZZ_MACHINE_H
#define FUZZ_MACHINE_H

#include "model/judge.h"
#include "race.h"

/* Sends the frame through the program. Memory errors end the process (ASan). */
void machine_run(const struct world *world, const struct race *race, const struct frame *frame,
		 struct outcome *outcome);

/* In how many runs the race began while the program read, since the process began. */
unsigned long machine_races(void);

#endif
