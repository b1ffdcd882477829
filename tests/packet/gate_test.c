/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The gates of flows (bpf/gate.h): from where a packet may come, what becomes of a sample, and
 * what a packet on a host that is free must come by. The harness looks at the notes as well.
 */
#include <linux/bpf.h>

#include "harness.h"
#include "tables.h"

#define PLACE 2u /* of harness_lo, where packets come in: world_default() */
#define NOWHERE (HOPS + 7)

#define ROW_OF(way_, verdict_, ...) {.way = way_, .verdict = VERDICT_##verdict_, .data = 40, __VA_ARGS__}
#define UP(verdict_, ...)                                                                   \
	ROW_OF(WAY_PEER, verdict_, __VA_ARGS__), ROW_OF(WAY_CLIENT, verdict_, __VA_ARGS__), \
	ROW_OF(WAY_OTHER, verdict_, __VA_ARGS__)
#define RELAYED(...)                                                                            \
	ROW_OF(WAY_PEER, TO_PEER, __VA_ARGS__), ROW_OF(WAY_CLIENT, TO_CLIENT, __VA_ARGS__), \
	ROW_OF(WAY_OTHER, TO_OTHER_CLIENT, __VA_ARGS__)

/* The next hop where the packets of a flow come from. */
static void back(struct world *world, int which, uint32_t ifindex, uint8_t flags)
{
	world->hop[MORE] = (struct world_hop){.seq = ifindex || flags, .hop = {.ifindex = ifindex, .flags = flags}};
	world->flow[which].note.back = MORE;
}

/* ---- the first flow ---- */

static void closed(struct world *world)
{
	world->flow[FIRST].gate = 0;
}

/* The place is noted already, and the others stay noted. */
static void closed_and_seen(struct world *world)
{
	world->flow[FIRST].gate = 0;
	world->flow[FIRST].note.seen = PLACE | 8;
}

static void closed_and_seen_elsewhere(struct world *world)
{
	world->flow[FIRST].gate = 0;
	world->flow[FIRST].note.seen = 8;
}

static void open_to_one(struct world *world)
{
	world->flow[FIRST].gate = gate_of(MODEL_EPOCH, PLACE);
}

static void open_to_others(struct world *world)
{
	world->flow[FIRST].gate = gate_of(MODEL_EPOCH, GATE_PLACES & ~PLACE);
}

static void open_before(struct world *world)
{
	world->flow[FIRST].gate = gate_of(MODEL_EPOCH - 1, GATE_PLACES);
}

static void next_epoch(struct world *world)
{
	world->port[1].gate = gate_of_place(MODEL_EPOCH + 1, PLACE);
}

/* The flow would relay packets from this place while it is sampled, but of another epoch. */
static void sample_of_another_epoch(struct world *world)
{
	world->flow[FIRST].gate = gate_of(MODEL_EPOCH - 1, GATE_PLACES) | GATE_ASK;
	world->flow[FIRST].note.sample = 1;
}

static void sample_of_another_place(struct world *world)
{
	world->flow[FIRST].gate = gate_of(MODEL_EPOCH, GATE_PLACES & ~PLACE) | GATE_ASK;
	world->flow[FIRST].note.sample = 1;
}

static void sampled(struct world *world)
{
	world->flow[FIRST].gate = gate_of(MODEL_EPOCH, PLACE) | GATE_ASK;
	world->flow[FIRST].note.sample = 1;
	back(world, FIRST, harness_lo, 0);
}

/* The note says nothing about a gate that does not have GATE_ASK. */
static void closed_and_sample(struct world *world)
{
	closed(world);
	world->flow[FIRST].note.sample = 1;
}

static void open_to_others_and_sample(struct world *world)
{
	open_to_others(world);
	world->flow[FIRST].note.sample = 1;
}

static void closed_and_asked(struct world *world)
{
	world->flow[FIRST].gate = GATE_ASK;
	back(world, FIRST, harness_lo, 0);
}

/* The same, while the gate is open to the place. */
static void sample_not_looked_at(struct world *world)
{
	sampled(world);
	world->flow[FIRST].gate = gate_of(MODEL_EPOCH, PLACE);
}

static void sample_is_on_its_way(struct world *world)
{
	sampled(world);
	world->flow[FIRST].note.sample = 0;
}

static void back_not_resolved(struct world *world)
{
	world->flow[FIRST].gate = gate_of(MODEL_EPOCH, GATE_PLACES) | GATE_ASK;
	back(world, FIRST, 0, 0);
}

static void back_of_no_entry(struct world *world)
{
	world->flow[FIRST].gate = gate_of(MODEL_EPOCH, GATE_PLACES) | GATE_ASK;
	world->flow[FIRST].note.back = NOWHERE;
}

static void back_is_a_device(struct world *world)
{
	world->flow[FIRST].gate = gate_of(MODEL_EPOCH, GATE_PLACES) | GATE_ASK;
	back(world, FIRST, harness_other, 0);
}

static void martian(struct world *world)
{
	world->flow[FIRST].gate = gate_of(MODEL_EPOCH, GATE_PLACES) | GATE_ASK;
	back(world, FIRST, harness_lo, HOP_LOCAL);
}

static void unset(struct world *world)
{
	closed(world);
	world->port[1].gate = (struct gate){0};
}

static void test_first(void **state)
{
	static const struct row rows[] = {
		UP(PROBATION, .name = "closed", .before = closed),
		UP(PROBATION, .name = "closed, and noted", .before = closed_and_seen),
		UP(PROBATION, .name = "closed, noted at another place", .before = closed_and_seen_elsewhere),
		RELAYED(.name = "open to the place alone", .before = open_to_one),
		UP(PROBATION, .name = "open to all other places", .before = open_to_others),
		UP(PROBATION, .name = "of the epoch before", .before = open_before),
		UP(PROBATION, .name = "the place has another epoch", .before = next_epoch),
		UP(SAMPLE, .name = "sample", .before = sampled),
		UP(PROBATION, .name = "sample of another epoch", .before = sample_of_another_epoch),
		UP(PROBATION, .name = "sample of another place", .before = sample_of_another_place),
		UP(PROBATION, .name = "closed, and a sample", .before = closed_and_sample),
		UP(PROBATION, .name = "open to all other places, and a sample", .before = open_to_others_and_sample),
		UP(PROBATION, .name = "GATE_ASK alone", .before = closed_and_asked),
		RELAYED(.name = "sample, and the gate is open", .before = sample_not_looked_at),
		RELAYED(.name = "the sample is on its way", .before = sample_is_on_its_way),
		UP(PROBATION, .name = "from nowhere that is known", .before = back_not_resolved),
		UP(PROBATION, .name = "from no entry of the hops", .before = back_of_no_entry),
		RELAYED(.name = "from a device", .before = back_is_a_device),
		UP(PROBATION, .name = "from this host, by a device", .before = martian),
		RELAYED(.name = "the place has no gate", .before = unset),
	};

	(void)state;
	harness_need();
	harness_table(ROWS(rows));
}

/* ---- the flow that the first leads to ---- */

static void second_closed(struct world *world)
{
	world->flow[SECOND].gate = 0;
}

/* Only the hairpin is noted, whatever is noted of devices. */
static void second_closed_and_seen_elsewhere(struct world *world)
{
	second_closed(world);
	world->flow[SECOND].note.seen = GATE_DEVICES & ~PLACE;
}

static void second_closed_and_seen(struct world *world)
{
	second_closed(world);
	world->flow[SECOND].note.seen = 8;
	world->flow[SECOND].note.seen_hairpin = 1;
}

static void both_closed(struct world *world)
{
	closed(world);
	second_closed(world);
}

static void second_open_to_hairpin(struct world *world)
{
	world->flow[SECOND].gate = gate_of(MODEL_EPOCH, GATE_HAIRPIN);
}

static void second_open_to_devices(struct world *world)
{
	world->flow[SECOND].gate = gate_of(MODEL_EPOCH, GATE_DEVICES);
}

static void hairpin_of_another_epoch(struct world *world)
{
	world->hairpin = gate_of_place(MODEL_EPOCH + 1, GATE_HAIRPIN);
}

static void second_sampled(struct world *world)
{
	world->flow[SECOND].gate = gate_of(MODEL_EPOCH, GATE_HAIRPIN) | GATE_ASK;
	world->flow[SECOND].note.sample = 1;
}

static void second_from_device(struct world *world)
{
	world->flow[SECOND].gate = gate_of(MODEL_EPOCH, GATE_PLACES) | GATE_ASK;
	back(world, SECOND, harness_lo, 0);
}

static void second_from_here(struct world *world)
{
	world->flow[SECOND].gate = gate_of(MODEL_EPOCH, GATE_PLACES) | GATE_ASK;
	back(world, SECOND, 0, HOP_LOCAL);
}

static void second_from_nowhere(struct world *world)
{
	world->flow[SECOND].gate = gate_of(MODEL_EPOCH, GATE_PLACES) | GATE_ASK;
	world->flow[SECOND].note.back = NOWHERE;
}

static void test_second(void **state)
{
	static const struct row rows[] = {
		ROW_OF(WAY_OTHER, PROBATION, .name = "closed", .before = second_closed),
		ROW_OF(WAY_OTHER, PROBATION, .name = "closed, and noted", .before = second_closed_and_seen),
		ROW_OF(WAY_OTHER, PROBATION, .name = "closed, noted at devices",
		       .before = second_closed_and_seen_elsewhere),
		ROW_OF(WAY_OTHER, PROBATION, .name = "both closed", .before = both_closed),
		ROW_OF(WAY_OTHER, TO_OTHER_CLIENT, .name = "open to the hairpin", .before = second_open_to_hairpin),
		ROW_OF(WAY_OTHER, PROBATION, .name = "open to devices", .before = second_open_to_devices),
		ROW_OF(WAY_OTHER, PROBATION, .name = "another epoch", .before = hairpin_of_another_epoch),
		ROW_OF(WAY_OTHER, SAMPLE, .name = "sample", .before = second_sampled),
		ROW_OF(WAY_OTHER, PROBATION, .name = "from a device, by the hairpin", .before = second_from_device),
		ROW_OF(WAY_OTHER, TO_OTHER_CLIENT, .name = "from this host", .before = second_from_here),
		ROW_OF(WAY_OTHER, PROBATION, .name = "from nowhere that is known", .before = second_from_nowhere),
	};

	(void)state;
	harness_need();
	harness_table(ROWS(rows));
}

/* One packet goes up, and those after it are relayed while coturn has the first. */
static void test_sample_once(void **state)
{
	static const struct path paths[] = {{WAY_PEER, 4, 0, 4}, {WAY_CLIENT, 6, 0, 6}};
	static struct outcome outcome;
	static struct world world;
	static struct frame in;

	(void)state;
	harness_need();
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		const struct row row = {.way = paths[i].way, .data = 40};

		world_default(&world, &paths[i]);
		sampled(&world);
		row_packet(&row, &world, &in);
		harness_send(&world, &in, &outcome);
		assert_int_equal(outcome.verdict, VERDICT_SAMPLE);
		assert_int_equal(outcome.action, XDP_PASS);
		for (int again = 0; again < 3; again++) {
			harness_send_again(&world, &in, &outcome);
			assert_true(verdict_relays(outcome.verdict));
		}
		tables_forget();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first),
		cmocka_unit_test(test_second),
		cmocka_unit_test(test_sample_once),
	};

	return harness_run("packet: gates", tests, sizeof(tests) / sizeof(tests[0]));
}
