/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of flows, which is also read as the XDP program reads it, while it is written. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* sched_getaffinity */
#endif
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "table/flow_table.h"

#define SEED 0x2545f4914f6cdd1dULL

static struct flow_table table = { .lock = PTHREAD_MUTEX_INITIALIZER };
static struct flow_slot *slots;
static struct flow_words *words;
static union abi_addr own6[ABI_OWN6];
static uint64_t seed[FLOW_SEEDS];

/* The time that the clock shows: it replaces libc's function. */
static uint64_t milliseconds = 1000000;

int clock_gettime(clockid_t clock, struct timespec *now)
{
	uint64_t ms = __atomic_load_n(&milliseconds, __ATOMIC_RELAXED);

	(void)clock;
	*now = (struct timespec){ .tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000 };
	return 0;
}

static void open_slots(uint32_t count, uint32_t flows)
{
	uint64_t random = SEED;

	for (int i = 0; i < FLOW_SEEDS; i++)
		seed[i] = unit_random(&random);
	slots = aligned_alloc(64, count * sizeof(*slots));
	assert_non_null(slots);
	memset(slots, 0, count * sizeof(*slots));
	words = calloc(count, sizeof(*words));
	assert_non_null(words);
	memset(own6, 0, sizeof(own6));
	assert_int_equal(flow_table_open(&table, &(struct flow_memory){ slots, words, own6 }, count, flows, seed), 0);
}

static void open_table(uint32_t flows)
{
	open_slots(flow_table_slots(flows), flows);
}

static int close_table(void **state)
{
	(void)state;
	flow_table_close(&table);
	free(slots);
	free(words);
	slots = NULL;
	words = NULL;
	return 0;
}

/* The n-th key. Every second one is IPv6, and keys differ in few bits. */
static int key_of(uint32_t n, union flow_any_key *key)
{
	memset(key, 0, sizeof(*key));
	if (n % 2) {
		key->v6 = (struct flow_key6){ .sport = htons((uint16_t)(1024 + n % 30000)), .dport = htons(3478),
					      .channel = htons((uint16_t)(0x4000 + n % 7)), .family = FLOW_KEY_V6 };
		key->v6.saddr[0] = key->v6.daddr[0] = htonl(0x20010db8);
		key->v6.saddr[3] = htonl(n);
		return AF_INET6;
	}
	key->v4 = (struct flow_key){ .saddr = htonl(0x0a000000 + n / 30000), .daddr = htonl(0xc0000201),
				     .sport = htons((uint16_t)(1024 + n % 30000)), .dport = htons(3478),
				     .channel = htons((uint16_t)(0x4000 + n % 7)), .family = FLOW_KEY_V4 };
	return AF_INET;
}

/* The flow of the n-th key. All its fields are different from those of another key. */
static struct flow flow_of(uint32_t n)
{
	struct flow flow;

	memset(&flow, (int)n, sizeof(flow));
	flow.hop = n;
	flow.gate = 0;
	flow.flags = n % 3 ? 0 : FLOW_V6;
	for (int i = 1; i < 4 && !(flow.flags & FLOW_V6); i++)
		flow.saddr.word[i] = flow.daddr.word[i] = 0;
	/* This server has few addresses of its own. */
	if (flow.flags & FLOW_V6)
		memset(&flow.saddr, (int)(n % 100 + 1), sizeof(flow.saddr));
	return flow;
}

static int put(uint32_t n, uint32_t *index)
{
	union flow_any_key key;
	int family = key_of(n, &key), error = flow_table_reserve(&table, family, &key, index);
	struct flow flow = flow_of(n);

	if (!error)
		error = flow_table_write(&table, *index, &flow);
	return error;
}

static uint64_t hash_of(uint32_t n)
{
	union flow_any_key key;

	return key_of(n, &key) == AF_INET6 ? flow_hash6((__u64 *)seed, &key.v6) : flow_hash((__u64 *)seed, &key.v4);
}

static uint32_t first_slot(uint32_t n)
{
	return flow_slot_index(hash_of(n), table.slots);
}

/* Finds the slot of the n-th key as bpf/flows.h does. Returns its index, or -1 if no slot has the key. */
static int64_t look_up(uint32_t n)
{
	union flow_any_key key, here;
	int family = key_of(n, &key);
	uint64_t hash = hash_of(n);

	for (uint32_t probe = 1; probe <= FLOW_PROBES; probe++) {
		uint32_t index = flow_slot_index(hash, table.slots);

		if (slots[index].seq & 1 && flow_table_key(&slots[index], &words[index], own6, &here) == family &&
		    !memcmp(&here, &key, sizeof(key)))
			return index;
		if (!slots[index].passed)
			return -1;
		hash = flow_step(hash, probe, flow_stride(table.slots));
	}
	return -1;
}

static void check_flow(uint32_t n, uint32_t index)
{
	struct flow wanted = flow_of(n), here;

	assert_int_equal(look_up(n), index);
	flow_table_flow(&slots[index], &words[index], own6, &here);
	assert_memory_equal(&here, &wanted, sizeof(here));
}

/* ---- one thread ---- */

static void test_all_families(void **state)
{
	uint32_t index[2];

	(void)state;
	open_table(10);
	for (uint32_t n = 0; n < 2; n++) {
		assert_int_equal(look_up(n), -1);
		assert_int_equal(put(n, &index[n]), 0);
		check_flow(n, index[n]);
	}
	assert_int_equal(put(0, &index[0]), -EEXIST);
	index[0] = (uint32_t)look_up(0);
	flow_table_end(&table, index[0]);
	assert_int_equal(look_up(0), -1);
	check_flow(1, index[1]);
}

/* A flow that was only reserved is not found, but its key is taken. */
static void test_reserved(void **state)
{
	struct flow flow = flow_of(4);
	union flow_any_key key;
	uint32_t index, other;
	int family = key_of(4, &key);

	(void)state;
	open_table(10);
	assert_int_equal(flow_table_reserve(&table, family, &key, &index), 0);
	assert_int_equal(look_up(4), -1);
	assert_int_equal(flow_table_reserve(&table, family, &key, &other), -EEXIST);
	flow_table_write(&table, index, &flow);
	check_flow(4, index);
}

/* `seq` is odd while the flow is there, and each change of the flow advances it. */
static void test_seq(void **state)
{
	struct flow flow = flow_of(2);
	uint32_t index, seq;

	(void)state;
	open_table(10);
	assert_int_equal(put(2, &index), 0);
	seq = slots[index].seq;
	assert_true(seq & 1);
	flow_table_write(&table, index, &flow);
	assert_int_equal(slots[index].seq, seq + 2);
	flow_table_end(&table, index);
	assert_int_equal(slots[index].seq, seq + 3);
	/* To end it again changes nothing. */
	flow_table_end(&table, index);
	assert_int_equal(slots[index].seq, seq + 3);
}

/* When a flow has ended, its key can be reserved again at once, in another slot. */
static void test_put_after_end(void **state)
{
	uint32_t first, second, third;

	(void)state;
	open_table(10);
	assert_int_equal(put(6, &first), 0);
	flow_table_end(&table, first);
	assert_int_equal(put(6, &second), 0);
	assert_int_not_equal(first, second);
	check_flow(6, second);
	flow_table_free(&table, first);
	check_flow(6, second);
	flow_table_end(&table, second);
	flow_table_free(&table, second);
	assert_int_equal(look_up(6), -1);
	/* Both slots rest, but not for the key that had them. */
	for (int i = 0; i < 2 * FLOW_PROBES; i++) {
		assert_int_equal(put(6, &third), 0);
		assert_int_equal(third, first);
		flow_table_end(&table, third);
		flow_table_free(&table, third);
	}
}

/* Another key does not get a slot that was just given back, until the slot has rested. */
static void test_rest(void **state)
{
	uint32_t other = 2, index, rested;

	(void)state;
	open_table(10);
	while (first_slot(other) != first_slot(0))
		other += 2;
	assert_int_equal(put(0, &index), 0);
	flow_table_end(&table, index);
	flow_table_free(&table, index);
	/* After 0, 33, 66 and 99 ms another slot is given. */
	for (int ms = 0; ms < 100; ms += 33) {
		assert_int_equal(put(other, &rested), 0);
		assert_int_not_equal(rested, index);
		flow_table_end(&table, rested);
		flow_table_free(&table, rested);
		milliseconds += ms == 99 ? 1 : 33;
	}
	/* Now 100 ms have passed. */
	assert_int_equal(put(other, &rested), 0);
	assert_int_equal(rested, index);
}

/* The time has 32 bits in the table. The slot rests as long if it was freed when they were 0, or one of the marks. */
static void test_rest_when_the_time_wraps(void **state)
{
	static const uint64_t times[] = { 1ULL << 32, (1ULL << 32) - 1, (1ULL << 32) - 2, (1ULL << 32) - 3 };
	uint64_t before = milliseconds;
	uint32_t other = 2, index, rested;

	for (size_t i = 0; i < COUNT(times); i++) {
		print_message("# %llu ms\n", (unsigned long long)times[i]);
		milliseconds = times[i];
		open_table(10);
		while (first_slot(other) != first_slot(0))
			other += 2;
		assert_int_equal(put(0, &index), 0);
		flow_table_end(&table, index);
		flow_table_free(&table, index);
		milliseconds += 90;
		assert_int_equal(put(other, &rested), 0);
		assert_int_not_equal(rested, index);
		flow_table_end(&table, rested);
		flow_table_free(&table, rested);
		milliseconds += 20;
		assert_int_equal(put(other, &rested), 0);
		assert_int_equal(rested, index);
		close_table(state);
	}
	milliseconds = before;
}

static void test_counts_begin_anew(void **state)
{
	uint32_t index;

	(void)state;
	open_table(10);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(put(6, &index), 0);
		assert_int_equal(slots[index].usage, 0);
		slots[index].usage = 7;
		/* The counters go on when a flow is replaced. */
		flow_table_write(&table, index, &(struct flow){ .hop = 1 });
		assert_int_equal(slots[index].usage, 7);
		flow_table_end(&table, index);
		flow_table_free(&table, index);
		milliseconds += 1000;
	}
}

/* Bytes and packets are told apart however often each has passed its range, if they are counted in time. */
static void test_totals(void **state)
{
	static const struct flow_total steps[] = {
		{ 0, 0 }, { 1, 0 }, { 1, 1 }, { 1000, 160000 }, { (1 << 28) - 1, (1ULL << 36) - 1 }, { 1, (1ULL << 35) - 1 },
		{ 1 << 27, 1ULL << 35 }, { 3, (1ULL << 36) - 1 },
	};
	uint64_t random = SEED, usage = 0, read = 0;
	struct flow_total sum = { 0 }, counted = { 0 }, shown;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		const struct flow_total *step = &steps[unit_random(&random) % COUNT(steps)];

		usage += step->packets * USAGE_PACKET + step->data;
		sum.packets += step->packets;
		sum.data += step->data;
		flow_table_add(read, usage, &counted);
		read = usage;
		assert_int_equal(counted.packets, sum.packets);
		assert_int_equal(counted.data, sum.data);
		/* A tool reads later, when less than half of the ranges has passed since. */
		shown = flow_table_total(usage + (1 << 26) * USAGE_PACKET + (1ULL << 34), flow_table_halves(&counted));
		assert_int_equal(shown.packets, sum.packets + (1 << 26));
		assert_int_equal(shown.data, sum.data + (1ULL << 34));
	}
	/* Both have passed their ranges many times. */
	assert_true(sum.packets >> 32 && sum.data >> 46);
}

/* This server has so many IPv6 addresses, and no more. One that was there before is not added. */
static void test_own_addresses(void **state)
{
	struct flow flow = { .flags = FLOW_V6 };
	union flow_any_key key = { .v6 = { .family = FLOW_KEY_V6 } };
	uint32_t index, more;

	(void)state;
	open_table(1000);
	for (uint32_t n = 0; n < ABI_OWN6; n++) {
		key.v6.daddr[3] = htonl(n + 1);
		assert_int_equal(flow_table_reserve(&table, AF_INET6, &key, &index), 0);
	}
	/* An address of a key may be a source too. */
	flow.saddr.word[3] = key.v6.daddr[3];
	assert_int_equal(flow_table_write(&table, index, &flow), 0);
	flow.saddr.word[3] = htonl(ABI_OWN6 + 1);
	assert_int_equal(flow_table_write(&table, index, &flow), -EADDRNOTAVAIL);
	key.v6.daddr[3] = flow.saddr.word[3];
	assert_int_equal(flow_table_reserve(&table, AF_INET6, &key, &more), -EADDRNOTAVAIL);
	/* IPv4 needs none. */
	flow.flags = 0;
	assert_int_equal(flow_table_write(&table, index, &flow), 0);
	assert_int_equal(put(4, &more), 0);
}

static void test_room(void **state)
{
	uint32_t index[10], more;

	(void)state;
	open_table(10);
	for (uint32_t n = 0; n < 10; n++)
		assert_int_equal(put(n, &index[n]), 0);
	assert_int_equal(put(10, &more), -ENOSPC);
	assert_int_equal(put(3, &more), -EEXIST);
	flow_table_end(&table, index[3]);
	assert_int_equal(put(10, &more), -ENOSPC);
	flow_table_free(&table, index[3]);
	assert_int_equal(put(10, &more), 0);
	for (uint32_t n = 0; n < 10; n++) {
		if (n != 3)
			check_flow(n, index[n]);
	}
}

/* A table for 100000 channels accepts as many flows as it was opened for. */
static void test_full(void **state)
{
	enum { MANY = 200000 };
	uint32_t *index = calloc(MANY, sizeof(*index));

	(void)state;
	assert_non_null(index);
	open_table(MANY);
	for (uint32_t n = 0; n < MANY; n++)
		assert_int_equal(put(n, &index[n]), 0);
	for (uint32_t n = 0; n < MANY; n++)
		assert_int_equal(look_up(n), index[n]);
	for (uint32_t n = 0; n < MANY; n++) {
		flow_table_end(&table, index[n]);
		flow_table_free(&table, index[n]);
	}
	for (uint32_t i = 0; i < table.slots; i++)
		assert_int_equal(slots[i].passed, 0);
	free(index);
}

/* In a small table that is nearly full, each flow is found, whichever others were removed. */
static void test_collisions(void **state)
{
	enum { FLOWS = 64, SLOTS = FLOW_SLOTS_MIN };
	int64_t index[FLOWS];
	uint64_t random = SEED;
	uint32_t taken = 0, moved = 0, full = 0;

	(void)state;
	open_slots(SLOTS, SLOTS);
	for (int n = 0; n < FLOWS; n++)
		index[n] = -1;
	for (int step = 0; step < 20000; step++) {
		uint32_t n = (uint32_t)(unit_random(&random) % FLOWS), at;
		int error;

		milliseconds += 1000;
		if (index[n] >= 0) {
			flow_table_end(&table, (uint32_t)index[n]);
			flow_table_free(&table, (uint32_t)index[n]);
			index[n] = -1;
			taken--;
		} else {
			error = put(n, &at);
			assert_true(!error || (error == -ENOSPC && taken == SLOTS));
			index[n] = error ? -1 : (int64_t)at;
			taken += !error;
			moved += !error && at != first_slot(n);
			full += error != 0;
		}
		for (uint32_t i = 0; i < FLOWS; i++)
			assert_int_equal(look_up(i), index[i]);
	}
	/* The test checks nothing unless many keys collided. */
	assert_true(moved > 1000 && full > 100);
}

/* ---- a reader and a writer at the same time ---- */

/*
 * The reader goes on until it has seen whole flows of both keys, and reads that a write has torn, but not longer than
 * this: on a busy machine the two threads may run one after the other for a while.
 */
#define OVERLAP_WANTED 5
#define OVERLAP_SECONDS 100
#define READS_MIN 200000

/* Two keys of one family, which have the same first slot. */
static uint32_t rival[2];

static struct {
	bool ended;       /* set by the reader: the writer returns */
	uint64_t changes; /* how many flows were written */
} writer;

static bool has_two_cpus(void)
{
	cpu_set_t cpus;

	return !sched_getaffinity(0, sizeof(cpus), &cpus) && CPU_COUNT(&cpus) >= 2;
}

/* Writes flows of the two keys into the same slot, one after the other. Returns what failed, or NULL. */
static void *write_rivals(void *unused)
{
	uint32_t index, i = 0;

	(void)unused;
	while (!__atomic_load_n(&writer.ended, __ATOMIC_RELAXED)) {
		__atomic_fetch_add(&milliseconds, 1000, __ATOMIC_RELAXED);
		if (put(rival[i], &index) || index != first_slot(rival[0]))
			return "put";
		flow_table_end(&table, index);
		flow_table_free(&table, index);
		i = !i;
		if (__atomic_add_fetch(&writer.changes, 1, __ATOMIC_RELAXED) % 1000 == 0)
			sched_yield();
	}
	return NULL;
}

enum read_result { READ_NOTHING, READ_TORN, READ_WHOLE };

/* Reads the flow of key n as bpf/flows.h does: the sequence, the key, the flow, and the sequence again. */
static enum read_result read_as_program(uint32_t n, struct flow *copy)
{
	union flow_any_key key, here;
	uint32_t index = first_slot(n);
	const struct flow_slot *slot = &slots[index];
	uint32_t seq = __atomic_load_n(&slot->seq, __ATOMIC_ACQUIRE);

	if (!(seq & 1))
		return READ_NOTHING;
	key_of(n, &key);
	flow_table_key(slot, &words[index], own6, &here);
	if (memcmp(&here, &key, sizeof(key)) != 0)
		return READ_NOTHING;
	flow_table_flow(slot, &words[index], own6, copy);
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return __atomic_load_n(&slot->seq, __ATOMIC_RELAXED) == seq ? READ_WHOLE : READ_TORN;
}

static void test_reader_sees_whole_flows(void **state)
{
	/* clock_gettime() is replaced in this file, but time() is not. */
	time_t end = time(NULL) + OVERLAP_SECONDS;
	unsigned int whole[2] = { 0 }, torn = 0, wrong = 0;
	bool overlapped = false;
	pthread_t thread;
	void *failed;

	(void)state;
	if (!has_two_cpus()) {
		print_message("# a reader and a writer need two CPUs\n");
		skip();
	}
	open_table(4);
	for (rival[1] = 2; first_slot(rival[1]) != first_slot(rival[0]); rival[1] += 2)
		;
	writer.ended = false;
	assert_int_equal(pthread_create(&thread, NULL, write_rivals, NULL), 0);
	for (uint64_t i = 0; !wrong && (i < READS_MIN || !overlapped); i++) {
		struct flow here = { 0 }, wanted = flow_of(rival[i % 2]);
		enum read_result result = read_as_program(rival[i % 2], &here);
		torn += result == READ_TORN;
		if (result == READ_WHOLE) {
			wrong += memcmp(&here, &wanted, sizeof(here)) != 0;
			whole[i % 2]++;
		}
		overlapped = whole[0] >= OVERLAP_WANTED && whole[1] >= OVERLAP_WANTED && torn >= OVERLAP_WANTED;
		if (i % 1000 == 0) {
			sched_yield();
			if (time(NULL) >= end)
				break;
		}
	}
	/* The thread ends before a check can fail, because it uses the table. */
	__atomic_store_n(&writer.ended, true, __ATOMIC_RELAXED);
	pthread_join(thread, &failed);
	assert_null(failed);
	assert_int_equal(wrong, 0);
	print_message("# %u and %u whole flows, %u torn ones, %llu changes\n", whole[0], whole[1], torn,
		      (unsigned long long)writer.changes);
	assert_true(overlapped);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_all_families, close_table),
		cmocka_unit_test_teardown(test_reserved, close_table),
		cmocka_unit_test_teardown(test_seq, close_table),
		cmocka_unit_test_teardown(test_put_after_end, close_table),
		cmocka_unit_test_teardown(test_rest, close_table),
		cmocka_unit_test_teardown(test_rest_when_the_time_wraps, close_table),
		cmocka_unit_test_teardown(test_counts_begin_anew, close_table),
		cmocka_unit_test_teardown(test_totals, close_table),
		cmocka_unit_test_teardown(test_own_addresses, close_table),
		cmocka_unit_test_teardown(test_room, close_table),
		cmocka_unit_test_teardown(test_full, close_table),
		cmocka_unit_test_teardown(test_collisions, close_table),
		cmocka_unit_test_teardown(test_reader_sees_whole_flows, close_table),
	};

	return cmocka_run_group_tests_name("flow_table", tests, NULL, NULL);
}
