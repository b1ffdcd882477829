/* SPDX-License-Identifier: BSD-3-Clause */
/* Rows of packet in, verdict, packet out. */
#include <stdio.h>
#include <string.h>

#include "harness.h"

/* ---- the paths of a row ---- */

static bool path_fits(const struct row *row, const struct path *path)
{
	/* No IPv6 datagram goes without a checksum. */
	if (row->checksum == SUM_ZERO && verdict_relays(row->verdict) && path->in == 6)
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
		printf("#   %s %u bytes, from %zu:", i ? "sent" : "want", frame[i]->length, at);
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

/* What a row asks for by what its packet needs. */
static void world_fit(struct world *world, const struct row *row, const struct frame *in)
{
	const struct hop *hop = world_last_hop(world);
	int tags = (hop->tag[0].protocol != 0) + (hop->tag[1].protocol != 0);
	int header_in = (int)in->start[LAYER_PAYLOAD] + (row->way == WAY_CLIENT ? 0 : 4);
	int ip = (world->path.out == 6 ? 40 : 20) + 8 + (row->way == WAY_PEER ? 0 : 4);
	int growth = 14 + 4 * tags + ip - header_in;

	if (growth > 0 && world->room != FIT_PLENTY)
		world->metadata = world->headroom - growth + (world->room == FIT_SHORT ? 4 : 0);
	if (world->mtu != FIT_PLENTY)
		world_last_hop(world)->mtu = ip + row->data - (world->mtu == FIT_SHORT ? 1 : 0);
}

/* By the frame's own fields: what the model and the program have in common may be wrong. */
static const char *frame_faults(const struct row *row, struct frame *sent)
{
	const char *complaint = frame_read(sent);

	if (complaint)
		return complaint;
	return (frame_udp_sum(sent) == 0xffff) != (row->checksum != SUM_BAD) ? "UDP checksum" : NULL;
}

/* Paths of rows that this kernel cannot be asked about. */
static unsigned int unasked;

static bool row_on_path(const struct row *row, const struct path *path)
{
	static struct frame in;
	static struct world world;
	static struct expectation want;
	static struct outcome outcome;
	const char *complaint;
	char what[64];

	world_default(&world, path);
	if (row->before)
		row->before(&world);
	row_packet(row, &world, &in);
	world_fit(&world, row, &in);
	if (!harness_takes(&world)) {
		unasked++;
		return true;
	}
	complaint = harness_judge(&world, &in, &want, &outcome);

	if (outcome.verdict != (int)row->verdict) {
		snprintf(what, sizeof(what), "want %s, got %s", verdict_text(row->verdict),
			 verdict_text(outcome.verdict));
		return complain(row, path, what);
	}
	if (complaint) {
		complain(row, path, complaint);
		difference_print(want.causes ? &in : &want.frame, &outcome.frame);
		return false;
	}
	if (!verdict_relays(row->verdict))
		return true;
	complaint = frame_faults(row, &outcome.frame);
	return complaint ? complain(row, path, complaint) : true;
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
	char names[600] = "";
	size_t failed = 0;

	for (size_t i = 0; i < rows; i++) {
		if (harness_row(&row[i]))
			continue;
		snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s\"%s\"", failed ? ", " : "", row[i].name);
		failed++;
	}
	if (failed)
		fail_msg("%zu of %zu rows failed: %s", failed, rows, names);
	if (unasked != before)
		harness_skip("test runs of this kernel leave every frame room (Linux 6.8); the other rows are right");
}
