/* SPDX-License-Identifier: BSD-3-Clause */
/* What became of a frame, held against what must. */
#ifndef MODEL_JUDGE_H
#define MODEL_JUDGE_H

#include "model.h"

struct outcome {
	int action;
	int verdict;      /* -1: not exactly one counter moved, by 1, on this CPU */
	uint32_t ifindex; /* of the last redirect asked for; 0: cannot be seen */
	struct counts gained[FLOWS]; /* what was added for the flows */
	struct noted noted[FLOWS];
	struct limit limit[LIMITS];  /* afterwards */
	uint32_t seen[ABI_PORTS], no_room[ABI_PORTS]; /* of the entries of the interfaces, which were 0 before */
	struct stray stray;                           /* the same */
	const char *foul; /* what the program must never do; NULL */
	struct frame frame; /* `linear` 0: cannot be seen */
};

/* NULL, or what is not as it must be: of the packet alone, and of what is counted as well. */
const char *judge_packet(const struct frame *in, const struct expectation *want, const struct outcome *outcome);
const char *judge(const struct frame *in, const struct expectation *want, const struct outcome *outcome);

bool verdict_relays(int verdict);
const char *verdict_text(int verdict);

#endif
