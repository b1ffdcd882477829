/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What must become of a frame. Written from RFC 791, 768, 1071, 8200, 8656 and IEEE
 * 802.1Q, byte by byte, and from what abi.h says of the tables. Shares no code with bpf/.
 */
#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H

#include "world.h"

#define CAUSE(verdict) (1u << VERDICT_##verdict)

struct expectation {
	/*
	 * Verdicts that are true of the packet and keep it from being relayed; any
	 * of them will do, as the order of questions is the program's business.
	 * 0: it must be relayed or is beyond max-bps, and the rest says how.
	 */
	uint32_t causes;
	bool unknown; /* the packet has the key of a flow of BEFORE_OTHERS */
	enum verdict verdict;
	int action;
	uint32_t ifindex; /* of a redirect */
	struct counts gained[FLOWS]; /* in any case */
	struct noted noted[FLOWS];   /* if the verdict is PROBATION or SAMPLE; nothing otherwise */
	struct limit limit[LIMITS];  /* afterwards, in any case */
	int port;                    /* the entry of the interface that it came in by, -1: none was looked for, or none found */
	struct stray stray;          /* afterwards, if there was none before */
	struct frame frame;          /* out */
};

/* `in->linear` must be known. */
void model_decide(const struct world *world, const struct frame *in, struct expectation *want);

/* The UDP checksum that it leaves with, if all of it is in one buffer; 0: it is not relayed. */
uint16_t model_check_out(const struct world *world, struct frame *in);

#endif
