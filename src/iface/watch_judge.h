/* SPDX-License-Identifier: BSD-3-Clause */
/* Whether a native attachment does what it should, judged by what was counted in each second. Pure. */
#ifndef OFFLOAD_IFACE_WATCH_JUDGE_H
#define OFFLOAD_IFACE_WATCH_JUDGE_H

#include <stdbool.h>
#include <stdint.h>

#include "abi.h"

/* Whether what the network stack receives by the device is counted. */
enum watch_proof {
	WATCH_PROOF_OFF,       /* not now, or not in all of this second */
	WATCH_PROOF_ON,        /* in all of this second */
	WATCH_PROOF_IMPOSSIBLE /* this kernel cannot */
};

/* What was counted of a device, from its start on, but for `seen`. */
struct watch_sample {
	bool up;
	bool seen; /* the program saw a frame in this second */
	enum watch_proof proof;
	uint64_t link_received, link_sent; /* by the driver */
	uint64_t stack_received;           /* by the network stack, if `proof` is WATCH_PROOF_ON */
	uint64_t not_sent;                 /* frames for which the driver did not do what the program had returned */
	uint32_t no_room;                  /* frames that could not be resized, modulo 2^32 */
};

struct watch_state {
	struct watch_sample last;
	bool begun;            /* there is a last sample */
	bool doubtful;         /* what the network stack receives is to be counted */
	unsigned int unseen;   /* seconds in a row in which frames came and the program saw none */
	unsigned int vain;     /* seconds in a row of counting in which the network stack received nothing, too */
	unsigned int pause;    /* seconds for which nothing is counted again */
	unsigned int crowded;  /* seconds in a row in which frames could not be resized */
	unsigned int not_sent; /* seconds in a row in which nearly nothing was sent */
	uint64_t frames;       /* what came in, in the seconds of `unseen` */
};

/**
 * Judges one more second. Returns what is wrong; then the state begins anew. A state of zeros has no
 * sample yet.
 */
enum status_fault watch_judge(struct watch_state *state, const struct watch_sample *now);

#endif
