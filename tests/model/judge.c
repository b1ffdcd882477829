/* SPDX-License-Identifier: BSD-3-Clause */
#include "judge.h"

#include <string.h>

#include <linux/bpf.h>

static bool frame_is(const struct frame *one, const struct frame *other)
{
	return one->length == other->length && !memcmp(one->byte, other->byte, one->length);
}

#define VERDICT_TEXT(number, name, text) [number] = #name,
static const char *const verdict_names[VERDICT_COUNT] = {VERDICTS(VERDICT_TEXT)};

const char *verdict_text(int verdict)
{
	return verdict < 0 || verdict >= VERDICT_COUNT ? "not one verdict" : verdict_names[verdict];
}

bool verdict_relays(int verdict)
{
	return verdict == VERDICT_TO_PEER || verdict == VERDICT_TO_CLIENT || verdict == VERDICT_TO_OTHER_CLIENT;
}

static const char *judge_pass(const struct frame *in, const struct outcome *outcome)
{
	if (!frame_is(&outcome->frame, in))
		return "passed up, but changed";
	if (outcome->frame.linear && outcome->frame.linear != in->linear)
		return "passed up, but cut in another place";
	return NULL;
}

static const char *judge_relayed(const struct expectation *want, const struct outcome *outcome)
{
	if (outcome->verdict != (int)want->verdict)
		return "another verdict was due";
	/* Of what is dropped nobody sees the rest. */
	if (outcome->verdict == VERDICT_LIMITED)
		return NULL;
	if (outcome->action == XDP_REDIRECT && outcome->ifindex && outcome->ifindex != want->ifindex)
		return "redirected to the wrong device";
	if (!frame_is(&outcome->frame, &want->frame))
		return "wrong packet";
	return NULL;
}

const char *judge_packet(const struct frame *in, const struct expectation *want, const struct outcome *outcome)
{
	if (outcome->foul)
		return outcome->foul;
	if (outcome->verdict < 0)
		return "not exactly one verdict was counted";
	if (want->unknown)
		return NULL;
	if (want->causes && verdict_relays(outcome->verdict))
		return "relayed";
	if (want->causes && !(want->causes >> outcome->verdict & 1))
		return "a verdict that is not true of the packet";
	if (!want->causes && want->verdict != VERDICT_LIMITED && !verdict_relays(outcome->verdict))
		return "not relayed";
	if (outcome->action != want->action)
		return "wrong action";
	return want->causes ? judge_pass(in, outcome) : judge_relayed(want, outcome);
}

static bool noted_is(const struct noted *one, const struct noted *other)
{
	return one->sampled == other->sampled && one->seen == other->seen;
}

/* Only a gate that is closed changes a note. */
static const char *judge_notes(const struct expectation *want, const struct outcome *outcome)
{
	static const struct noted none;
	bool closed = outcome->verdict == VERDICT_PROBATION || outcome->verdict == VERDICT_SAMPLE;

	for (int i = 0; i < FLOWS; i++)
		if (!noted_is(&outcome->noted[i], closed ? &want->noted[i] : &none))
			return "wrong note";
	return NULL;
}

/* A frame that comes in by an interface is noted in its entry. */
static const char *judge_ports(const struct expectation *want, const struct outcome *outcome)
{
	for (int i = 0; i < ABI_PORTS; i++) {
		if (outcome->seen[i] != (i == want->port))
			return "wrong note that a frame came in";
		if (outcome->no_room[i] != (i == want->port && outcome->verdict == VERDICT_NO_ROOM))
			return "wrong count of frames without room";
	}
	if (outcome->stray.ifindex != want->stray.ifindex || outcome->stray.count != want->stray.count)
		return "wrong count of frames of unknown interfaces";
	return NULL;
}

const char *judge(const struct frame *in, const struct expectation *want, const struct outcome *outcome)
{
	const char *complaint = judge_packet(in, want, outcome);

	if (complaint || want->unknown)
		return complaint;
	for (int i = 0; i < FLOWS; i++)
		if (outcome->gained[i].packets != want->gained[i].packets ||
		    outcome->gained[i].data != want->gained[i].data ||
		    outcome->gained[i].trimmed != want->gained[i].trimmed)
			return "wrong counts";
	if (memcmp(outcome->limit, want->limit, sizeof(outcome->limit)) != 0)
		return "wrong meters";
	complaint = judge_notes(want, outcome);
	return complaint ? complaint : judge_ports(want, outcome);
}
