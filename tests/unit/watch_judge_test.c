/* SPDX-License-Identifier: BSD-3-Clause */
/* What is evidence that a native attachment does not do what it should, and what is not. */
#include "unit.h"

#include "iface/watch_judge.h"

/* What happens in each of a number of seconds. */
struct span {
	unsigned int seconds;
	bool seen, down;
	unsigned int link, stack; /* frames that the driver and the network stack receive */
	unsigned int sent;        /* frames that the driver sends */
	unsigned int not_sent, no_room;
	bool reset; /* the driver counts from 0 again */
};

#define SPANS 6

static const struct {
	const char *what;
	enum watch_proof proof; /* WATCH_PROOF_ON: once there is a doubt */
	struct span span[SPANS];
	enum status_fault fault;
	unsigned int after; /* seconds after which it is found */
} table[] = {
	{ .what = "the program sees all", .proof = WATCH_PROOF_ON, .span = { { .seconds = 100, .seen = true, .link = 100, .stack = 100 } } },
	{ .what = "nothing comes in", .proof = WATCH_PROOF_ON, .span = { { .seconds = 100 } } },
	{ .what = "it never runs", .proof = WATCH_PROOF_ON, .span = { { .seconds = 100, .link = 100, .stack = 100 } }, .fault = STATUS_FAULT_NEVER_RUNS, .after = 5 },
	{ .what = "it never runs, few frames", .proof = WATCH_PROOF_ON, .span = { { .seconds = 100, .link = 4, .stack = 4 } }, .fault = STATUS_FAULT_NEVER_RUNS, .after = 5 },
	{ .what = "too few frames", .proof = WATCH_PROOF_ON, .span = { { .seconds = 100, .link = 3, .stack = 3 } } },
	{ .what = "it stops to run", .proof = WATCH_PROOF_ON,
	  .span = { { .seconds = 50, .seen = true, .link = 100, .stack = 100 }, { .seconds = 50, .link = 100, .stack = 100 } }, .fault = STATUS_FAULT_NEVER_RUNS, .after = 54 },
	{ .what = "it runs now and then", .proof = WATCH_PROOF_ON,
	  .span = { { .seconds = 4, .link = 9, .stack = 9 }, { .seconds = 1, .seen = true, .link = 9 }, { .seconds = 3, .link = 9, .stack = 9 }, { .seconds = 1, .seen = true, .link = 9 },
	    { .seconds = 3, .link = 9, .stack = 9 }, { .seconds = 9, .seen = true, .link = 9 } } },
	{ .what = "a quiet second between", .proof = WATCH_PROOF_ON,
	  .span = { { .seconds = 4, .link = 9, .stack = 9 }, { .seconds = 1 }, { .seconds = 3, .link = 9, .stack = 9 }, { .seconds = 1 }, { .seconds = 3, .link = 9, .stack = 9 }, { .seconds = 9 } } },
	{ .what = "frames that go to others, as virtual machines", .proof = WATCH_PROOF_ON, .span = { { .seconds = 1000, .link = 1000 } } },
	{ .what = "frames that go to others, and a few to this host", .proof = WATCH_PROOF_ON,
	  .span = { { .seconds = 100, .link = 1000 }, { .seconds = 1, .link = 1000, .stack = 9 }, { .seconds = 100, .link = 1000 }, { .seconds = 1, .link = 1000, .stack = 9 }, { .seconds = 100, .link = 1000 } } },
	{ .what = "the driver counts what it drops", .proof = WATCH_PROOF_ON, .span = { { .seconds = 100, .link = 1000, .stack = 2 } } },
	{ .what = "down", .proof = WATCH_PROOF_ON, .span = { { .seconds = 100, .down = true, .link = 100, .stack = 100 } } },
	{ .what = "up and down", .proof = WATCH_PROOF_ON,
	  .span = { { .seconds = 3, .link = 9, .stack = 9 }, { .seconds = 1, .down = true, .link = 9 }, { .seconds = 3, .link = 9, .stack = 9 }, { .seconds = 1, .down = true } } },
	{ .what = "without proof it takes longer", .proof = WATCH_PROOF_IMPOSSIBLE, .span = { { .seconds = 100, .link = 100 } }, .fault = STATUS_FAULT_NEVER_RUNS, .after = 11 },
	{ .what = "without proof, a second of others' frames less", .proof = WATCH_PROOF_IMPOSSIBLE,
	  .span = { { .seconds = 10, .link = 100 }, { .seconds = 1, .seen = true, .link = 100 }, { .seconds = 9, .link = 100 }, { .seconds = 1 } } },
	{ .what = "the driver's counts begin anew", .proof = WATCH_PROOF_ON,
	  .span = { { .seconds = 4, .link = 9, .stack = 9 }, { .seconds = 1, .link = 9, .stack = 9, .reset = true }, { .seconds = 3, .seen = true, .link = 9 } } },
	{ .what = "no room", .proof = WATCH_PROOF_ON, .span = { { .seconds = 9, .seen = true, .link = 99, .no_room = 4 } }, .fault = STATUS_FAULT_NO_ROOM, .after = 4 },
	{ .what = "no room for a few frames", .proof = WATCH_PROOF_ON, .span = { { .seconds = 99, .seen = true, .link = 99, .no_room = 3 } } },
	{ .what = "no room now and then", .proof = WATCH_PROOF_ON,
	  .span = { { .seconds = 3, .seen = true, .no_room = 9 }, { .seconds = 1, .seen = true }, { .seconds = 2, .seen = true, .no_room = 9 }, { .seconds = 1, .seen = true } } },
	{ .what = "not sent", .proof = WATCH_PROOF_ON, .span = { { .seconds = 9, .seen = true, .link = 99, .not_sent = 10 } }, .fault = STATUS_FAULT_NOT_SENT, .after = 4 },
	{ .what = "nine of ten are not sent, as the queue is full", .proof = WATCH_PROOF_ON,
	  .span = { { .seconds = 99, .seen = true, .link = 99, .not_sent = 900, .sent = 100 } } },
	{ .what = "nearly none is sent", .proof = WATCH_PROOF_ON,
	  .span = { { .seconds = 99, .seen = true, .link = 99, .not_sent = 900, .sent = 80 } }, .fault = STATUS_FAULT_NOT_SENT, .after = 4 },
	{ .what = "not sent, as it is down", .proof = WATCH_PROOF_ON, .span = { { .seconds = 99, .seen = true, .down = true, .not_sent = 99 } } },
	{ .what = "a few are not sent", .proof = WATCH_PROOF_ON, .span = { { .seconds = 99, .seen = true, .not_sent = 9 } } },
};

static void play(const struct span *span, struct watch_sample *sample)
{
	if (span->reset)
		sample->link_received = sample->link_sent = 0;
	sample->up = !span->down;
	sample->seen = span->seen;
	sample->link_received += span->link;
	sample->link_sent += span->sent;
	if (sample->proof == WATCH_PROOF_ON)
		sample->stack_received += span->stack;
	sample->not_sent += span->not_sent;
	sample->no_room += span->no_room;
}

static void test_judge(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < COUNT(table); i++) {
		struct watch_state state = { 0 };
		/* A counter that is about to begin anew. */
		struct watch_sample sample = { .no_room = UINT32_MAX - 5, .link_received = 7 };
		enum status_fault fault = STATUS_FAULT_NONE;
		unsigned int second = 0;

		for (const struct span *span = table[i].span; span < table[i].span + SPANS && !fault; span++) {
			for (unsigned int k = 0; k < span->seconds && !fault; k++) {
				sample.proof = table[i].proof == WATCH_PROOF_IMPOSSIBLE || state.doubtful ? table[i].proof : WATCH_PROOF_OFF;
				play(span, &sample);
				fault = watch_judge(&state, &sample);
				second++;
			}
		}
		assert_entry_equal(table[i].what, fault, table[i].fault);
		if (fault)
			assert_entry_equal(table[i].what, second, table[i].after);
	}
}

/* It costs time for each frame, so where it proves nothing it pauses. */
static void test_pause(void **unused)
{
	struct watch_state state = { 0 };
	struct watch_sample sample = { .up = true };
	unsigned int counting = 0;

	(void)unused;
	for (unsigned int i = 0; i < 660; i++) {
		sample.proof = state.doubtful ? WATCH_PROOF_ON : WATCH_PROOF_OFF;
		counting += state.doubtful;
		sample.link_received += 1000;
		watch_judge(&state, &sample);
	}
	/* 5 seconds of each minute. */
	assert_int_equal(counting, 11 * 5);
}

/* What is not sent counts from 0 again when the device is watched anew, and two seconds are no evidence. */
static void test_watched_anew(void **unused)
{
	struct watch_state state = { 0 };
	struct watch_sample sample = { .up = true, .seen = true };

	(void)unused;
	for (unsigned int i = 0; i < 4; i++) {
		sample.not_sent = i < 3 ? 100 * i : 0;
		assert_int_equal(watch_judge(&state, &sample), STATUS_FAULT_NONE);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_judge),
		cmocka_unit_test(test_pause),
		cmocka_unit_test(test_watched_anew),
	};

	return cmocka_run_group_tests_name("watch_judge", tests, NULL, NULL);
}
