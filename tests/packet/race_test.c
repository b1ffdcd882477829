/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A table that changes while packets meet it, by a thread on another CPU. A packet has all
 * of one flow or next hop, or all of the other; or it goes up, as the flow or the next hop
 * was just changing. What is counted is not looked at.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* pthread_setaffinity_np */
#endif
#include <arpa/inet.h>
#include <linux/bpf.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <time.h>

#include "harness.h"
#include "tables.h"

/*
 * What must be seen at least: of each outcome, and how often that of a packet is another one
 * than that of the packet before, so that both threads were running. And how many packets
 * there are at least.
 */
#define SEEN 300
#define CHANGES 500
#define PACKETS 20000
/* Until then; on a machine with one CPU they seldom meet. */
#define SECONDS 30

struct seen {
	int packets, wrong, changes, last;
	int changed; /* the packet that had another outcome last */
	int outcome[3]; /* the first, the second, went up */
};

struct race {
	void (*change)(void); /* to the second, and back to the first */
	bool goes_up;         /* that must be seen as well */
	bool never_second;    /* no packet may have the second */
};

static struct world first, second;
static bool stop;
/* The slot of each of both keys, and its words. */
static struct place {
	struct flow_slot slot;
	struct flow_words words;
} places[2];

/* Not always at the same distance, so that packets are met in all places. */
static void wait_a_little(void)
{
	static uint32_t state = 1;

	state = state * 1103515245u + 12345u;
	for (volatile uint32_t i = state >> 24; i; i--)
		;
}

static void change_flow(void)
{
	tables_flow_write(FIRST, &second.flow[FIRST].flow);
	wait_a_little();
	tables_flow_write(FIRST, &first.flow[FIRST].flow);
	wait_a_little();
}

static void seq_next(uint32_t *seq)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	__atomic_fetch_add(seq, 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* All but the sequence, which is first, what is passed, the counters, and the gate. */
static void slot_write(const struct place *from)
{
	struct flow_slot *slot = tables_slot(FIRST);
	size_t key = offsetof(struct flow_slot, key_saddr), usage = offsetof(struct flow_slot, usage);
	size_t again = offsetof(struct flow_slot, saddr), gate = offsetof(struct flow_slot, gate);

	seq_next(&slot->seq);
	memcpy((char *)slot + key, (const char *)&from->slot + key, usage - key);
	memcpy((char *)slot + again, (const char *)&from->slot + again, gate - again);
	*tables_words(FIRST) = from->words;
	seq_next(&slot->seq);
}

static void change_key(void)
{
	slot_write(&places[1]);
	wait_a_little();
	slot_write(&places[0]);
	wait_a_little();
}

/* The next hop gets the egress `egress`, which no other one has, and which is written for it. */
static void hop_write(const struct world_hop *from, uint16_t egress)
{
	struct hop_entry *entry = tables_hop(FIRST);

	if (entry->seq & 1)
		seq_next(&entry->seq);
	if (!(from->seq & 1))
		return;
	entry->egress = egress;
	hop_entry_write(entry, &from->hop);
	*tables_egress(FIRST) = world_egress(from);
	seq_next(&entry->seq);
}

/* The egress is written anew, as the server does when no other next hop has it. */
static void change_hop(void)
{
	hop_write(&second.hop[FIRST], WORLD_EGRESS(FIRST));
	wait_a_little();
	hop_write(&first.hop[FIRST], WORLD_EGRESS(FIRST));
	wait_a_little();
}

/* The next hop gets another egress. */
static void change_egress(void)
{
	hop_write(&second.hop[FIRST], WORLD_EGRESS(HOPS));
	wait_a_little();
	hop_write(&first.hop[FIRST], WORLD_EGRESS(FIRST));
	wait_a_little();
}

/* The flow ends, and another destination gets its entry. Then the flow is back. */
static void change_use_of_hop(void)
{
	seq_next(&tables_slot(FIRST)->seq);
	hop_write(&second.hop[FIRST], WORLD_EGRESS(FIRST));
	wait_a_little();
	hop_write(&first.hop[FIRST], WORLD_EGRESS(FIRST));
	seq_next(&tables_slot(FIRST)->seq);
	wait_a_little();
}

static void *writer(void *arg)
{
	const struct race *race = arg;

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
		race->change();
	return NULL;
}

/* On any CPU but that of the packets, if there is one. */
static pthread_t writer_start(const struct race *race)
{
	cpu_set_t mine, others;
	pthread_t thread;

	__atomic_store_n(&stop, false, __ATOMIC_RELAXED);
	assert_int_equal(pthread_create(&thread, NULL, writer, (void *)race), 0);
	pthread_getaffinity_np(pthread_self(), sizeof(mine), &mine);
	CPU_ZERO(&others);
	for (int cpu = 0; cpu < harness_cpus(); cpu++)
		if (!CPU_ISSET(cpu, &mine))
			CPU_SET(cpu, &others);
	pthread_setaffinity_np(thread, sizeof(others), &others);
	return thread;
}

static void writer_end(pthread_t thread)
{
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	tables_forget();
}

/* Which of them it was: FIRST, SECOND, or 2 for one that went up; -1. The IP ID counts up. */
static int outcome_of(struct frame *in, struct expectation want[2], const struct race *race,
		      const struct outcome *outcome)
{
	for (int i = 0; i < (race->never_second ? 1 : 2); i++) {
		if (!want[i].causes)
			frame_take_id(&want[i].frame, &outcome->frame);
		if (!judge_packet(in, &want[i], outcome))
			return i;
	}
	if (race->goes_up && (outcome->verdict == VERDICT_NO_FLOW || outcome->verdict == VERDICT_NO_NEXT_HOP) &&
	    outcome->action == XDP_PASS &&
	    outcome->frame.length == in->length && !memcmp(outcome->frame.byte, in->byte, in->length))
		return 2;
	return -1;
}

static bool seen_enough(const struct seen *seen, const struct race *race)
{
	return seen->packets >= PACKETS && seen->changes >= CHANGES && seen->outcome[0] >= SEEN &&
	       (race->never_second || seen->outcome[1] >= SEEN) && (!race->goes_up || seen->outcome[2] >= SEEN);
}

static void seen_add(struct seen *seen, int which, enum verdict verdict)
{
	seen->packets++;
	if (which < 0) {
		if (!seen->wrong++)
			print_message("# packet %d has something between: %s\n", seen->packets,
				      verdict_text(verdict));
		return;
	}
	seen->outcome[which]++;
	if (which == seen->last)
		return;
	seen->changes++;
	seen->changed = seen->packets;
	seen->last = which;
}

/* They meet until enough was seen. */
static void race_run(const struct race *race, struct frame *in, struct seen *seen)
{
	static struct expectation want[2];
	static struct outcome outcome;
	time_t end = time(NULL) + SECONDS;
	pthread_t thread;

	harness_send(&first, in, &outcome);
	harness_expect(&first, in, &want[0]);
	harness_expect(&second, in, &want[1]);
	thread = writer_start(race);
	while (!seen_enough(seen, race) && time(NULL) < end) {
		harness_send_again(&first, in, &outcome);
		seen_add(seen, outcome_of(in, want, race, &outcome), outcome.verdict);
		/* The writer does not run. */
		if (seen->packets - seen->changed > 4096)
			sched_yield();
	}
	writer_end(thread);
}

static const struct path paths[] = {{WAY_PEER, 4, 0, 4}, {WAY_CLIENT, 6, 0, 6}, {WAY_CLIENT, 4, 0, 6}};
#define PATHS (sizeof(paths) / sizeof(paths[0]))

static void worlds_default(const struct path *path, unsigned int behind)
{
	world_default(&first, path);
	first.flow[FIRST].behind = behind;
	second = first;
}

static void race_check(const struct race *race, const struct path *path)
{
	const struct row row = {"raced", .way = path->way, .data = 33, .tos = 0x5c};
	static struct frame in;
	struct seen seen = {0};

	row_packet(&row, &first, &in);
	race_run(race, &in, &seen);
	if (!seen.wrong && seen_enough(&seen, race))
		return;
	fail_msg("way %d (%d %d): of %d packets %d had something between; %d the first, %d the second, %d went up; %d changes%s",
		 path->way, path->in, path->out, seen.packets, seen.wrong, seen.outcome[0], seen.outcome[1],
		 seen.outcome[2], seen.changes, seen_enough(&seen, race) ? "" : ": they were not raced");
}

static void test_flow_of_the_same_key(void **state)
{
	static const struct race race = {change_flow, .goes_up = true};

	(void)state;
	harness_need();
	for (size_t i = 0; i < PATHS * 2; i++) {
		worlds_default(&paths[i / 2], i % 2);
		flow_make_other(&second.flow[FIRST].flow);
		race_check(&race, &paths[i / 2]);
	}
}

/* The packet's flow gives way to another one, which it must not leave by. */
static void test_flow_of_another_key(void **state)
{
	static const struct race race = {change_key, .goes_up = false};

	(void)state;
	harness_need();
	for (size_t i = 0; i < PATHS; i++) {
		static struct outcome outcome;
		static struct frame in;
		const struct row row = {"raced", .way = paths[i].way};

		worlds_default(&paths[i], 0);
		row_packet(&row, &first, &in);
		flow_make_other(&second.flow[FIRST].flow);
		if (second.flow[FIRST].family == 6)
			second.flow[FIRST].key.v6.dport ^= htons(0x101);
		else
			second.flow[FIRST].key.v4.dport ^= htons(0x101);
		for (int w = 1; w >= 0; w--) {
			harness_send(w ? &second : &first, &in, &outcome);
			places[w] = (struct place){*tables_slot(FIRST), *tables_words(FIRST)};
		}
		race_check(&race, &paths[i]);
	}
}

static void hops_check(void (*change)(void), bool known)
{
	const struct race race = {change, .goes_up = known};

	for (size_t i = 0; i < PATHS; i++) {
		worlds_default(&paths[i], 0);
		hop_make_other(&second.hop[FIRST], known);
		race_check(&race, &paths[i]);
	}
}

static void test_next_hop(void **state)
{
	(void)state;
	harness_need();
	hops_check(change_hop, true);
}

static void test_egress(void **state)
{
	(void)state;
	harness_need();
	hops_check(change_egress, true);
}

static void test_next_hop_that_is_lost(void **state)
{
	(void)state;
	harness_need();
	hops_check(change_hop, false);
}

/* A packet of a flow that has ended does not leave by the next hop that another flow has got. */
static void test_next_hop_of_another_flow(void **state)
{
	static const struct race race = {change_use_of_hop, .goes_up = true, .never_second = true};

	(void)state;
	harness_need();
	for (size_t i = 0; i < PATHS; i++) {
		worlds_default(&paths[i], 0);
		hop_make_other(&second.hop[FIRST], true);
		race_check(&race, &paths[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flow_of_the_same_key),
		cmocka_unit_test(test_flow_of_another_key),
		cmocka_unit_test(test_next_hop),
		cmocka_unit_test(test_egress),
		cmocka_unit_test(test_next_hop_that_is_lost),
		cmocka_unit_test(test_next_hop_of_another_flow),
	};

	return harness_run("packet: tables that change", tests, sizeof(tests) / sizeof(tests[0]));
}
