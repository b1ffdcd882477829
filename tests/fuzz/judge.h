/* SPDX-License-Identifier: BSD-3-Clause */
/* One input through the program, and what the oracle says of it. */
#ifndef FUZZ_JUDGE_H
#define FUZZ_JUDGE_H

#include "machine.h"
#include "oracle.h"

struct trial {
	struct world world;
	struct frame frame;
	struct expectation want;
	struct outcome outcome;
};

/* NULL, or what is not as it must be. */
const char *judge(const uint8_t *input, size_t length, struct trial *trial);

/* World, frame, what was wanted and what came out, as C to be pasted. */
void trial_print(const struct trial *trial, const char *complaint);
const char *verdict_text(int verdict);

#endif
