/* SPDX-License-Identifier: BSD-3-Clause */
/* max-bps: which meters a packet takes from, and what becomes of one that is over. */
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>

#include "harness.h"

#define DATA 100
#define PLENTY 1000000

/* How much is left, compared with what the packet takes. */
enum rest { REST_PLENTY, REST_EXACT, REST_SHORT, REST_NONE, REST_DEBT };

struct limit_row {
	const char *name;
	enum way way;
	bool limited[2]; /* the first flow, the second */
	/* The client that sends; the relay that receives from a peer; the client that gets it. */
	enum rest read, relay, write;
	enum verdict verdict;
	bool reads, relays, writes; /* which of them is taken from */
	bool unsent;                /* counts as received only */
};

#define TO_PEER WAY_PEER, {true}
#define TO_CLIENT WAY_CLIENT, {true}
#define BOTH WAY_OTHER, {true, true}

static const struct limit_row rows[] = {
	{"plenty", TO_PEER, .verdict = VERDICT_TO_PEER, .reads = true},
	{"the last bytes", TO_PEER, REST_EXACT, .verdict = VERDICT_TO_PEER, .reads = true},
	{"a byte short", TO_PEER, REST_SHORT, .verdict = VERDICT_LIMITED},
	{"nothing left", TO_PEER, REST_NONE, .verdict = VERDICT_LIMITED},
	{"too much spent", TO_PEER, REST_DEBT, .verdict = VERDICT_LIMITED},
	{"towards peers the rest does not matter", TO_PEER, REST_PLENTY, REST_NONE, REST_NONE,
	 .verdict = VERDICT_TO_PEER, .reads = true},
	{"plenty", TO_CLIENT, .verdict = VERDICT_TO_CLIENT, .relays = true, .writes = true},
	{"the last bytes", TO_CLIENT, REST_NONE, REST_EXACT, REST_EXACT, .verdict = VERDICT_TO_CLIENT,
	 .relays = true, .writes = true},
	{"relay a byte short", TO_CLIENT, REST_PLENTY, REST_SHORT, REST_PLENTY, .verdict = VERDICT_LIMITED},
	{"relay in debt", TO_CLIENT, REST_PLENTY, REST_DEBT, REST_PLENTY, .verdict = VERDICT_LIMITED},
	{"client a byte short", TO_CLIENT, REST_PLENTY, REST_EXACT, REST_SHORT, .verdict = VERDICT_LIMITED,
	 .relays = true, .unsent = true},
	{"client in debt", TO_CLIENT, REST_PLENTY, REST_PLENTY, REST_DEBT, .verdict = VERDICT_LIMITED,
	 .relays = true, .unsent = true},
	{"plenty", BOTH, .verdict = VERDICT_TO_OTHER_CLIENT, .reads = true, .relays = true, .writes = true},
	{"the last bytes", BOTH, REST_EXACT, REST_EXACT, REST_EXACT, .verdict = VERDICT_TO_OTHER_CLIENT,
	 .reads = true, .relays = true, .writes = true},
	{"sender a byte short", BOTH, REST_SHORT, .verdict = VERDICT_LIMITED},
	{"receiver's relay a byte short", BOTH, REST_PLENTY, REST_SHORT, .verdict = VERDICT_LIMITED,
	 .reads = true},
	{"receiver a byte short", BOTH, REST_PLENTY, REST_PLENTY, REST_SHORT, .verdict = VERDICT_LIMITED,
	 .reads = true, .relays = true, .unsent = true},
	{"only the sender is limited", WAY_OTHER, {true, false}, REST_EXACT, REST_NONE, REST_NONE,
	 .verdict = VERDICT_TO_OTHER_CLIENT, .reads = true},
	{"only the receiver is limited", WAY_OTHER, {false, true}, REST_NONE, REST_EXACT, REST_EXACT,
	 .verdict = VERDICT_TO_OTHER_CLIENT, .relays = true, .writes = true},
	{"no limit", WAY_PEER, {false}, REST_NONE, .verdict = VERDICT_TO_PEER},
	{"no limit", WAY_CLIENT, {false}, REST_NONE, REST_NONE, REST_NONE, .verdict = VERDICT_TO_CLIENT},
};

static int32_t left(enum rest rest, int takes)
{
	switch (rest) {
	case REST_EXACT:
		return takes;
	case REST_SHORT:
		return takes - 1;
	case REST_NONE:
		return 0;
	case REST_DEBT:
		return -5000;
	default:
		return PLENTY;
	}
}

/* Of the session that the packet leaves by, its relay's family as it comes in there. */
static enum limit_meter relay_meter(const struct path *path)
{
	return (path->way == WAY_OTHER ? path->middle : path->in) == 6 ? LIMIT_RELAY_READ6 : LIMIT_RELAY_READ;
}

static void world_limit(struct world *world, const struct limit_row *row, const struct path *path)
{
	int last = world_last(world);

	for (int i = FIRST; i <= SECOND; i++) {
		for (int meter = 0; meter < LIMIT_METERS; meter++)
			world->limit[i].left[meter] = 7;
		if (row->limited[i])
			world->flow[i].flow.flags |= FLOW_LIMITED;
	}
	if (row->limited[last] && relay_meter(path) == LIMIT_RELAY_READ6 && path->way != WAY_PEER)
		world->flow[last].flow.flags |= FLOW_LIMITED_V6;
	world->limit[FIRST].left[LIMIT_CLIENT_READ] = left(row->read, DATA + 4);
	world->limit[last].left[relay_meter(path)] = left(row->relay, DATA);
	world->limit[last].left[LIMIT_CLIENT_WRITE] = left(row->write, DATA + 4);
}

static bool limits_right(const struct limit_row *row, const struct path *path, const struct world *world,
			 const struct outcome *outcome)
{
	struct limit want[2] = {world->limit[FIRST], world->limit[SECOND]};
	int last = world_last(world);
	bool received = path->way == WAY_OTHER && row->reads;

	if (row->reads)
		want[FIRST].left[LIMIT_CLIENT_READ] -= DATA + 4;
	if (row->relays)
		want[last].left[relay_meter(path)] -= DATA;
	if (row->writes)
		want[last].left[LIMIT_CLIENT_WRITE] -= DATA + 4;
	if (row->verdict == VERDICT_LIMITED)
		want[received ? last : FIRST].dropped++;
	if (row->unsent) {
		want[last].unsent_packets++;
		want[last].unsent_bytes += DATA;
	}
	return !memcmp(want, outcome->limit, sizeof(want));
}

static bool limit_row_right(const struct limit_row *limited, const struct path *path)
{
	static struct frame in;
	static struct world world;
	static struct expectation want;
	static struct outcome outcome;
	const struct row row = {limited->name, limited->verdict, limited->way, .data = DATA};
	const char *what;

	world_default(&world, path);
	world_limit(&world, limited, path);
	row_packet(&row, &world, &in);
	what = harness_judge(&world, &in, &want, &outcome);
	if (outcome.verdict != (int)limited->verdict)
		what = "verdict";
	else if (!limits_right(limited, path, &world, &outcome))
		what = "meters of the row";
	if (what)
		printf("# %s, way %d (%d %d %d): %s\n", limited->name, path->way, path->in, path->middle, path->out,
		       what);
	return !what;
}

static void test_limits(void **state)
{
	int failed = 0;

	(void)state;
	harness_need();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row any = {rows[i].name, rows[i].verdict, rows[i].way, .data = DATA};
		struct path path = {0};

		while (harness_path_next(&any, &path))
			failed += !limit_row_right(&rows[i], &path);
	}
	assert_int_equal(failed, 0);
}

static void hop_unknown(struct world *world)
{
	world->hop[world_last(world)].seq++;
}

static void mtu_too_small(struct world *world)
{
	world->mtu = FIT_SHORT;
}

/* Neither before a frame that fills its buffer, nor behind it. */
static void no_room(struct world *world)
{
	world->metadata = 216;
	world_last_hop(world)->mtu = 9000;
}

/* coturn charges what goes up to it: nothing has been taken for it here. */
static void test_what_goes_up_is_not_charged(void **state)
{
	static void (*const trouble[])(struct world *world) = {hop_unknown, mtu_too_small, no_room};
	static const enum verdict verdict[] = {VERDICT_NO_NEXT_HOP, VERDICT_TOO_BIG, VERDICT_NO_ROOM};
	const struct path path = {WAY_CLIENT, 4, 0, 6};
	struct row row = {"goes up", VERDICT_NO_ROOM, WAY_CLIENT, .data = DATA};
	static struct frame in;
	static struct world world;
	static struct outcome outcome;

	(void)state;
	harness_need();
	for (size_t i = 0; i < sizeof(trouble) / sizeof(trouble[0]); i++) {
		world_default(&world, &path);
		world.flow[FIRST].flow.flags |= FLOW_LIMITED;
		for (int meter = 0; meter < LIMIT_METERS; meter++)
			world.limit[FIRST].left[meter] = PLENTY;
		trouble[i](&world);
		row.data = verdict[i] == VERDICT_NO_ROOM ? HARNESS_BUFFER - 14 - 20 - 8 : DATA;
		row_packet(&row, &world, &in);
		world_last_hop(&world)->mtu -= world.mtu == FIT_SHORT ? 1400 : 0;
		/* Before Linux 6.8 no frame has too little room here. */
		if (!harness_takes(&world))
			continue;
		harness_send(&world, &in, &outcome);
		assert_int_equal(outcome.verdict, verdict[i]);
		assert_int_equal(outcome.action, XDP_PASS);
		assert_memory_equal(&outcome.limit[FIRST], &world.limit[FIRST], sizeof(struct limit));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_what_goes_up_is_not_charged),
	};

	return harness_run("packet: max-bps", tests, sizeof(tests) / sizeof(tests[0]));
}
