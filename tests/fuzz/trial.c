/* SPDX-License-Identifier: BSD-3-Clause */
#include "trial.h"

#include <string.h>

#include <linux/bpf.h>

#include "input.h"

/* It goes up, as the flow that it was to leave by is changing. */
static const char *judge_goes_up(struct trial *trial, struct expectation *want)
{
	want->causes = trial->race.which == FIRST ? CAUSE(NO_FLOW) : CAUSE(LOCAL);
	want->action = XDP_PASS;
	memset(want->gained, 0, sizeof(want->gained));
	memcpy(want->limit, trial->world.limit, sizeof(want->limit));
	return judge(&trial->frame, want, &trial->outcome);
}

/*
 * A packet meets a table as it was before or after a change. A gate changes at once. While a flow or a next hop
 * changes, a packet can also meet a table without it, or go up. It never meets anything between.
 */
static const char *judge_race(struct trial *trial, const char *before)
{
	static struct expectation want;
	struct world *world = &trial->race.after;

	model_decide(world, &trial->frame, &want);
	if (!judge(&trial->frame, &want, &trial->outcome))
		return NULL;
	if (trial->race.kind == RACE_GATE)
		return before;
	if (trial->race.kind == RACE_HOP) {
		world->hop[world->flow[trial->race.which].flow.hop].seq = 0;
		model_decide(world, &trial->frame, &want);
		return judge(&trial->frame, &want, &trial->outcome) ? before : NULL;
	}
	world->flow[trial->race.which].absent = true;
	model_decide(world, &trial->frame, &want);
	if (!judge(&trial->frame, &want, &trial->outcome))
		return NULL;
	return judge_goes_up(trial, &want) ? before : NULL;
}

const char *trial_run(const uint8_t *input, size_t length, struct trial *trial)
{
	const char *complaint;

	build_scenario(input, length, &trial->world, &trial->frame, &trial->race);
	model_decide(&trial->world, &trial->frame, &trial->want);
	machine_run(&trial->world, &trial->race, &trial->frame, &trial->outcome);
	complaint = judge(&trial->frame, &trial->want, &trial->outcome);
	return complaint && trial->race.kind ? judge_race(trial, complaint) : complaint;
}
