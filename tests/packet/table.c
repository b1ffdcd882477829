/* SPDX-License-Identifier: BSD-3-Clause */
/* Rows of packet in, verdict, packet out. */
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>

#include "harness.h"

#define VERDICT_TEXT(number, name, text) [number] = #name,
static const char *const verdict_name[VERDICT_COUNT] = {VERDICTS(VERDICT_TEXT)};

static const char *name_of(int verdict)
{
	return verdict < 0 ? "not one verdict" : verdict_name[verdict];
}

static bool relayed(enum verdict verdict)
{
	return verdict == VERDICT_TO_PEER || verdict == VERDICT_TO_CLIENT;
}

static uint32_t action_wanted(const struct row *row, const struct world *world)
{
	const struct hop_row *hops = &world->hop[row->to_client];
	const struct hop *hop = &hops->slot[hops->current & 1];

	if (!relayed(row->verdict))
		return XDP_PASS;
	return hop->ifindex == world->ingress && hop->transmit ? XDP_TX : XDP_REDIRECT;
}

static bool usage_right(const struct row *row, const struct outcome *outcome,
			const struct frame *out)
{
	struct usage_row want[2] = {{0}};
	uint64_t in = row->data + row->excess + (row->to_client ? 0 : 4);

	if (relayed(row->verdict)) {
		want[row->to_client].packets = 1;
		want[row->to_client].bytes_in = in;
		want[row->to_client].bytes_out = out->length - AT_PAYLOAD;
	}
	return !outcome->usage_strayed && !memcmp(want, outcome->usage, sizeof(want));
}

/* A broken program breaks most of a sweep: the first rows tell enough. */
#define COMPLAINTS 30
static unsigned int complaints;

/* Prints both frames from where they differ. */
static void difference_print(const struct frame *want, const struct frame *sent)
{
	const struct frame *frame[2] = {want, sent};
	size_t at = 0;

	if (complaints > COMPLAINTS)
		return;
	while (at < want->length && at < sent->length && want->byte[at] == sent->byte[at])
		at++;
	for (int i = 0; i < 2; i++) {
		printf("#   %s %zu bytes, from %zu:", i ? "sent" : "want", frame[i]->length, at);
		for (size_t b = at; b < at + 16 && b < frame[i]->length; b++)
			printf(" %02x", frame[i]->byte[b]);
		printf("\n");
	}
}

static bool complain(const struct row *row, const char *what)
{
	if (complaints++ < COMPLAINTS)
		printf("# %s, %s, %d bytes, checksum %d: %s\n", row->name,
		       row->to_client ? "to client" : "to peer", row->data, row->checksum, what);
	return false;
}

static bool frame_right(const struct row *row, const struct outcome *outcome,
			const struct frame *want)
{
	const char *complaint;

	if (want->length != outcome->frame.length ||
	    memcmp(want->byte, outcome->frame.byte, want->length) != 0) {
		complain(row, relayed(row->verdict) ? "wrong packet" : "packet changed");
		difference_print(want, &outcome->frame);
		return false;
	}
	if (!relayed(row->verdict))
		return true;
	complaint = model_complaint(&outcome->frame);
	if (complaint)
		return complain(row, complaint);
	if ((model_udp_sum(&outcome->frame) == 0xffff) != (row->checksum != SUM_BAD))
		return complain(row, "UDP checksum");
	return true;
}

bool harness_row(const struct row *row)
{
	static struct frame in, out;
	static struct world world;
	static struct outcome outcome;
	const struct hop_row *hop = &world.hop[row->to_client];
	const struct flow *flow = &world.flow[row->to_client].flow;
	char what[64];

	harness_world(&world);
	if (row->before)
		row->before(&world);
	model_packets(row, flow, hop->slot[hop->current & 1].eth, &in, &out);
	harness_send(&world, &in, &outcome);

	if (outcome.verdict != (int)row->verdict) {
		snprintf(what, sizeof(what), "want %s, got %s", name_of(row->verdict),
			 name_of(outcome.verdict));
		return complain(row, what);
	}
	if (outcome.action != action_wanted(row, &world))
		return complain(row, "wrong action");
	if (relayed(row->verdict))
		model_accept_id(&out, &outcome.frame);
	if (!frame_right(row, &outcome, relayed(row->verdict) ? &out : &in))
		return false;
	if (!usage_right(row, &outcome, &out))
		return complain(row, "wrong usage");
	return true;
}

void harness_table(const struct row *row, size_t rows)
{
	size_t failed = 0;

	for (size_t i = 0; i < rows; i++)
		failed += !harness_row(&row[i]);
	if (failed)
		fail_msg("%zu of %zu rows failed", failed, rows);
}
