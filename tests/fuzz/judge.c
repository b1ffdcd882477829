/* SPDX-License-Identifier: BSD-3-Clause */
#include "judge.h"

#include <string.h>

#include <linux/bpf.h>

#include "recipe.h"

static bool frame_is(const struct frame *one, const struct frame *other)
{
	return one->length == other->length && !memcmp(one->byte, other->byte, one->length);
}

static bool relays(int verdict)
{
	return verdict == VERDICT_TO_PEER || verdict == VERDICT_TO_CLIENT || verdict == VERDICT_TO_OTHER_CLIENT;
}

static const char *judge_pass(const struct trial *trial)
{
	const struct outcome *outcome = &trial->outcome;

	if (!frame_is(&outcome->frame, &trial->frame))
		return "passed up, but changed";
	if (outcome->frame.linear != trial->frame.linear)
		return "passed up, but cut in another place";
	return NULL;
}

static const char *judge_relayed(const struct trial *trial)
{
	const struct outcome *outcome = &trial->outcome;

	if (outcome->verdict != (int)trial->want.verdict)
		return "another verdict was due";
	/* Of what is dropped nobody sees the rest. */
	if (outcome->verdict == VERDICT_LIMITED)
		return NULL;
	if (outcome->action == XDP_REDIRECT && outcome->ifindex != trial->want.ifindex)
		return "redirected to the wrong device";
	if (!frame_is(&outcome->frame, &trial->want.frame))
		return "wrong packet";
	return NULL;
}

static const char *judge_outcome(const struct trial *trial)
{
	const struct outcome *outcome = &trial->outcome;
	const char *complaint;

	if (outcome->foul)
		return outcome->foul;
	if (outcome->verdict < 0)
		return "not exactly one verdict was counted";
	if (trial->want.unknown)
		return NULL;
	if (trial->want.causes && relays(outcome->verdict))
		return "relayed";
	if (trial->want.causes && !(trial->want.causes >> outcome->verdict & 1))
		return "a verdict that is not true of the packet";
	if (!trial->want.causes && trial->want.verdict != VERDICT_LIMITED && !relays(outcome->verdict))
		return "not relayed";
	if (outcome->action != trial->want.action)
		return "wrong action";
	complaint = trial->want.causes ? judge_pass(trial) : judge_relayed(trial);
	if (complaint)
		return complaint;
	for (int i = 0; i < FLOWS; i++)
		if (outcome->counts[i].packets != trial->want.counts[i].packets ||
		    outcome->counts[i].data != trial->want.counts[i].data ||
		    outcome->counts[i].trimmed != trial->want.counts[i].trimmed)
			return "wrong counts";
	if (memcmp(outcome->limit, trial->want.limit, sizeof(outcome->limit)) != 0)
		return "wrong meters";
	return NULL;
}

const char *judge(const uint8_t *input, size_t length, struct trial *trial)
{
	recipe_cook(input, length, &trial->world, &trial->frame);
	oracle_decide(&trial->world, &trial->frame, &trial->want);
	machine_run(&trial->world, &trial->frame, &trial->outcome);
	return judge_outcome(trial);
}
