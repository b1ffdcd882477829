/* SPDX-License-Identifier: BSD-3-Clause */
/* One input through the program, and what the model says of it. */
#ifndef FUZZ_TRIAL_H
#define FUZZ_TRIAL_H

#include "machine.h"
#include "race.h"

struct trial {
	struct world world;
	struct frame frame;
	struct race race;
	struct expectation want;
	struct outcome outcome;
};

/* NULL, or what is not as it must be. */
const char *trial_run(const uint8_t *input, size_t length, struct trial *trial);

/* World, frame, what was wanted and what came out, as C to be pasted. */
void trial_print(const struct trial *trial, const char *complaint);

#endif
