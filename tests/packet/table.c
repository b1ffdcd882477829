/* SPDX-License-Identifier: BSD-3-Clause */
/* Rows of packet in, verdict, packet out. */
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>

#include "harness.h"

/* XDP keeps 40 bytes of the 256 before a frame for itself. */
#define HEADROOM (256 - 40)

#define VERDICT_TEXT(number, name, text) [number] = #name,
static const char *const verdict_name[VERDICT_COUNT] = {VERDICTS(VERDICT_TEXT)};

static const char *name_of(int verdict)
{
	return verdict < 0 ? "not one verdict" : verdict_name[verdict];
}

bool harness_relayed(enum verdict verdict)
{
	return verdict == VERDICT_TO_PEER || verdict == VERDICT_TO_CLIENT ||
	       verdict == VERDICT_TO_OTHER_CLIENT;
}

/* ---- the paths of a row ---- */

static bool path_fits(const struct row *row, const struct path *path)
{
	/* No IPv6 datagram goes without a checksum. */
	if (row->checksum == SUM_ZERO && harness_relayed(row->verdict) && path->in == 6)
		return false;
	return (!row->in || row->in == path->in) && (!row->out || row->out == path->out) &&
	       (!row->middle || row->middle == path->middle);
}

bool harness_path_next(const struct row *row, struct path *path)
{
	do {
		if (!path->in) {
			*path = (struct path){row->way, 4, row->way == WAY_OTHER ? 4 : 0, 4};
		} else if (path->out == 4) {
			path->out = 6;
		} else if (path->in == 4) {
			path->in = 6;
			path->out = 4;
		} else if (path->middle == 4) {
			path->middle = 6;
			path->in = path->out = 4;
		} else {
			return false;
		}
	} while (!path_fits(row, path));
	return true;
}

/* ---- judging ---- */

static uint32_t action_wanted(const struct row *row, struct world *world)
{
	const struct hop *hop = world_last_hop(world);

	if (row->verdict == VERDICT_LIMITED)
		return XDP_DROP;
	if (!harness_relayed(row->verdict))
		return XDP_PASS;
	return hop->ifindex == world->ingress && hop->flags & HOP_TRANSMIT ? XDP_TX : XDP_REDIRECT;
}

static bool usage_right(const struct row *row, const struct outcome *outcome)
{
	struct counts want[2];

	memset(want, 0, sizeof(want));

	if (harness_relayed(row->verdict)) {
		want[FIRST].packets = 1;
		want[FIRST].data = row->data;
		want[FIRST].trimmed = row->excess;
	}
	if (harness_relayed(row->verdict) && row->way == WAY_OTHER) {
		want[SECOND].packets = 1;
		want[SECOND].data = row->data;
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

static bool complain(const struct row *row, const struct path *path, const char *what)
{
	static const char *const way[WAYS] = {"to peer", "to client", "to other client"};

	if (complaints++ < COMPLAINTS)
		printf("# %s, %s (%d %d %d), %d bytes, checksum %d: %s\n", row->name, way[path->way],
		       path->in, path->middle, path->out, row->data, row->checksum, what);
	return false;
}

static bool frame_right(const struct row *row, const struct path *path, struct outcome *outcome,
			const struct frame *want)
{
	const char *complaint;

	/* Of what is dropped nobody sees the rest. */
	if (row->verdict == VERDICT_LIMITED)
		return true;
	if (want->length != outcome->frame.length ||
	    memcmp(want->byte, outcome->frame.byte, want->length) != 0) {
		complain(row, path, harness_relayed(row->verdict) ? "wrong packet" : "packet changed");
		difference_print(want, &outcome->frame);
		return false;
	}
	if (!harness_relayed(row->verdict))
		return true;
	complaint = frame_read(&outcome->frame);
	if (complaint)
		return complain(row, path, complaint);
	if ((frame_udp_sum(&outcome->frame) == 0xffff) != (row->checksum != SUM_BAD))
		return complain(row, path, "UDP checksum");
	return true;
}

/* What a row asks for by what its packet needs. */
static void world_fit(struct world *world, const struct row *row, const struct frame *in,
		      const struct frame *out)
{
	int header_in = (int)in->start[LAYER_PAYLOAD] + (row->way == WAY_CLIENT ? 0 : 4);
	int growth = (int)out->length - row->data - header_in;

	if (growth > 0 && world->room != FIT_PLENTY)
		world->metadata = HEADROOM - growth + (world->room == FIT_SHORT ? 4 : 0);
	if (world->mtu != FIT_PLENTY)
		world_last_hop(world)->mtu = out->length - out->start[LAYER_IP] -
					     (world->mtu == FIT_SHORT ? 1 : 0);
}

/* Paths of rows that this kernel cannot be asked about. */
static unsigned int unasked;

static bool row_on_path(const struct row *row, const struct path *path)
{
	static struct frame in, out;
	static struct world world;
	static struct outcome outcome;
	struct journey journey;
	char what[64];

	world_default(&world, path);
	if (row->before)
		row->before(&world);
	world_journey(&world, &journey);
	model_packets(row, &journey, &in, &out);
	world_fit(&world, row, &in, &out);
	if (!harness_takes(&world)) {
		unasked++;
		return true;
	}
	harness_send(&world, &in, &outcome);

	if (outcome.verdict != (int)row->verdict) {
		snprintf(what, sizeof(what), "want %s, got %s", name_of(row->verdict),
			 name_of(outcome.verdict));
		return complain(row, path, what);
	}
	if (outcome.action != action_wanted(row, &world))
		return complain(row, path, "wrong action");
	if (harness_relayed(row->verdict))
		model_accept_id(&out, &outcome.frame);
	if (!frame_right(row, path, &outcome, harness_relayed(row->verdict) ? &out : &in))
		return false;
	if (!usage_right(row, &outcome))
		return complain(row, path, "wrong usage");
	return true;
}

bool harness_row(const struct row *row)
{
	struct path path = {0};
	bool right = true;
	int paths = 0;

	for (; harness_path_next(row, &path); paths++)
		right &= row_on_path(row, &path);
	return paths > 0 ? right : complain(row, &path, "no such path");
}

void harness_table(const struct row *row, size_t rows)
{
	unsigned int before = unasked;
	size_t failed = 0;

	for (size_t i = 0; i < rows; i++)
		failed += !harness_row(&row[i]);
	if (failed)
		fail_msg("%zu of %zu rows failed", failed, rows);
	if (unasked != before)
		harness_skip("test runs of this kernel leave every frame room (Linux 6.8); the other rows are right");
}
