/* SPDX-License-Identifier: BSD-3-Clause */
/* What must become of a frame. */
#ifndef FUZZ_ORACLE_H
#define FUZZ_ORACLE_H

#include "world.h"

#define CAUSE(verdict) (1u << VERDICT_##verdict)

struct expectation {
	/*
	 * Verdicts that are true of the packet and keep it from being relayed; any
	 * of them will do, as the order of questions is the program's business.
	 * 0: it must be relayed or is beyond max-bps, and the rest says how.
	 */
	uint32_t causes;
	bool unknown; /* the packet has the key of a flow that was put in another's way only */
	enum verdict verdict;
	int action;
	uint32_t ifindex; /* of a redirect */
	struct counts counts[FLOWS]; /* afterwards, in any case */
	struct limit limit[LIMITS];  /* the same */
	struct frame frame;          /* out */
};

void oracle_decide(const struct world *world, const struct frame *in, struct expectation *want);

/* The sum of 16-bit words in network order (RFC 1071), as a residue of 65535. */
uint32_t oracle_sum(const uint8_t *byte, size_t length);
/* The checksum that makes a sum right; never 0, which is none in UDP. */
uint16_t oracle_check(uint32_t sum);

#endif
