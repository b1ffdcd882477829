/* SPDX-License-Identifier: BSD-3-Clause */
#include "iface/watch_judge.h"

/* So many seconds in a row are evidence, each with so many frames. */
#define SECONDS 3
#define FRAMES 4

/*
 * A driver may also count frames that go to others than this host, as those that a card hands to virtual
 * machines. So its count is only a reason for doubt, and what the network stack receives is the evidence. Where that cannot be
 * counted, the driver's count is evidence after a longer time.
 */
#define SECONDS_WITHOUT_PROOF 10

/* If the network stack receives nothing for SECONDS_IN_VAIN either, counting stops for PAUSE seconds. */
#define SECONDS_IN_VAIN 5
#define PAUSE 60

/*
 * A driver also drops what the program returns while its queue is full, but meanwhile it sends the queue. So it is a fault
 * only if the driver has sent less than a tenth as many frames as it has dropped.
 */
#define NOT_SENT_FRAMES 10
#define NOT_SENT_SHARE 10

static void stop_doubting(struct watch_state *state)
{
	state->doubtful = false;
	state->unseen = state->vain = 0;
	state->frames = 0;
}

static bool count_unseen(struct watch_state *state, uint64_t frames, unsigned int enough)
{
	state->frames += frames;
	return ++state->unseen >= enough;
}

static bool never_runs(struct watch_state *state, const struct watch_sample *now)
{
	uint64_t frames = now->link_received - state->last.link_received;

	if (state->pause)
		state->pause--;
	/* A quiet second is no evidence of anything. */
	if (now->seen || !now->up || frames < FRAMES || state->pause) {
		stop_doubting(state);
		return false;
	}
	if (now->proof == WATCH_PROOF_IMPOSSIBLE)
		return count_unseen(state, frames, SECONDS_WITHOUT_PROOF);
	state->doubtful = true;
	if (now->proof == WATCH_PROOF_OFF)
		return false;
	frames = now->stack_received - state->last.stack_received;
	if (frames >= FRAMES) {
		state->vain = 0;
		return count_unseen(state, frames, SECONDS);
	}
	state->unseen = 0;
	state->frames = 0;
	if (++state->vain >= SECONDS_IN_VAIN) {
		stop_doubting(state);
		state->pause = PAUSE;
	}
	return false;
}

static bool lasts(unsigned int *seconds, bool wrong)
{
	*seconds = wrong ? *seconds + 1 : 0;
	return *seconds >= SECONDS;
}

static bool is_not_sent(const struct watch_state *state, const struct watch_sample *now)
{
	uint64_t not_sent = now->not_sent - state->last.not_sent;

	return now->up && not_sent >= NOT_SENT_FRAMES &&
	       now->link_sent - state->last.link_sent < not_sent / NOT_SENT_SHARE;
}

/*
 * Some drivers count from 0 again when they were reset. What else is counted does so when the device is watched anew, and becomes
 * less when a member leaves.
 */
static bool counts_begin_anew(const struct watch_sample *last, const struct watch_sample *now)
{
	return now->link_received < last->link_received || now->link_sent < last->link_sent ||
	       now->stack_received < last->stack_received || now->not_sent < last->not_sent;
}

enum status_fault watch_judge(struct watch_state *state, const struct watch_sample *now)
{
	enum status_fault fault = STATUS_FAULT_NONE;

	if (state->begun && !counts_begin_anew(&state->last, now)) {
		if (never_runs(state, now))
			fault = STATUS_FAULT_NEVER_RUNS;
		if (lasts(&state->crowded, now->no_room - state->last.no_room >= FRAMES))
			fault = STATUS_FAULT_NO_ROOM;
		if (lasts(&state->not_sent, is_not_sent(state, now)))
			fault = STATUS_FAULT_NOT_SENT;
	} else {
		*state = (struct watch_state){ .pause = state->pause };
	}
	state->last = *now;
	state->begun = true;
	if (fault)
		*state = (struct watch_state){ .frames = state->frames };
	return fault;
}
