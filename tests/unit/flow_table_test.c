/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of flows, read as the XDP program reads it while it is written. */
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "table/flow_table.h"

#define SEED 0x2545f4914f6cdd1dULL

static struct flow_table table = { .lock = PTHREAD_MUTEX_INITIALIZER };
static struct flow_slot *slots;
static uint64_t seed[FLOW_SEEDS];

/* What stands in for the clock. */
static uint64_t milliseconds = 1000000;

int clock_gettime(clockid_t clock, struct timespec *now)
{
	uint64_t ms = __atomic_load_n(&milliseconds, __ATOMIC_RELAXED);

	(void)clock;
	*now = (struct timespec){ .tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000 };
	return 0;
}

static void open_rows(uint32_t rows, uint32_t flows)
{
	uint64_t random = SEED;

	for (int i = 0; i < FLOW_SEEDS; i++)
		seed[i] = unit_random(&random);
	slots = aligned_alloc(64, rows * sizeof(*slots));
	assert_non_null(slots);
	memset(slots, 0, rows * sizeof(*slots));
	assert_int_equal(flow_table_open(&table, slots, rows, flows, seed), 0);
}

static void open_table(uint32_t flows)
{
	open_rows(flow_table_slots(flows), flows);
}

static int close_table(void **state)
{
	(void)state;
	flow_table_close(&table);
	free(slots);
	slots = NULL;
	return 0;
}

/* The n-th key: every other one is IPv6, and they differ little. */
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

/* A flow in which every field says whose it is. */
static struct flow flow_of(uint32_t n)
{
	struct flow flow;

	memset(&flow, (int)n, sizeof(flow));
	flow.hop = n;
	flow.zero = 0;
	flow.flags = n % 3 ? 0 : FLOW_V6;
	for (int i = 1; i < 4 && !(flow.flags & FLOW_V6); i++)
		flow.saddr.word[i] = flow.daddr.word[i] = 0;
	return flow;
}

static int put(uint32_t n, uint32_t *row)
{
	union flow_any_key key;
	int family = key_of(n, &key), error = flow_table_reserve(&table, family, &key, row);
	struct flow flow = flow_of(n);

	if (!error)
		flow_table_write(&table, *row, &flow);
	return error;
}

static uint64_t hash_of(uint32_t n)
{
	union flow_any_key key;

	return key_of(n, &key) == AF_INET6 ? flow_hash6((__u64 *)seed, &key.v6) : flow_hash((__u64 *)seed, &key.v4);
}

static uint32_t first_row(uint32_t n)
{
	return flow_slot_index(hash_of(n), table.slots);
}

/* The row of a key by the rule of bpf/flows.h, -1 if it has none. */
static int64_t look_up(uint32_t n)
{
	union flow_any_key key, here;
	int family = key_of(n, &key);
	uint64_t hash = hash_of(n);

	for (uint32_t probe = 1; probe <= FLOW_PROBES; probe++) {
		uint32_t row = flow_slot_index(hash, table.slots);

		if (slots[row].seq & 1 && flow_table_slot_key(&slots[row], &here) == family &&
		    !memcmp(&here, &key, sizeof(key)))
			return row;
		if (!slots[row].passed)
			return -1;
		hash = flow_step(hash, probe, flow_stride(table.slots));
	}
	return -1;
}

static void check_flow(uint32_t n, uint32_t row)
{
	struct flow wanted = flow_of(n), here;

	assert_int_equal(look_up(n), row);
	flow_table_slot_flow(&slots[row], &here);
	assert_memory_equal(&here, &wanted, sizeof(here));
}

/* ---- */

static void test_all_families(void **state)
{
	uint32_t row[2];

	(void)state;
	open_table(10);
	for (uint32_t n = 0; n < 2; n++) {
		assert_int_equal(look_up(n), -1);
		assert_int_equal(put(n, &row[n]), 0);
		check_flow(n, row[n]);
	}
	assert_int_equal(put(0, &row[0]), -EEXIST);
	row[0] = (uint32_t)look_up(0);
	flow_table_end(&table, row[0]);
	assert_int_equal(look_up(0), -1);
	check_flow(1, row[1]);
}

/* One that was reserved is not there, but its key is taken. */
static void test_reserved(void **state)
{
	struct flow flow = flow_of(4);
	union flow_any_key key;
	uint32_t row, other;
	int family = key_of(4, &key);

	(void)state;
	open_table(10);
	assert_int_equal(flow_table_reserve(&table, family, &key, &row), 0);
	assert_int_equal(look_up(4), -1);
	assert_int_equal(flow_table_reserve(&table, family, &key, &other), -EEXIST);
	flow_table_write(&table, row, &flow);
	check_flow(4, row);
}

/* Each change of a flow is seen by its seq, and in between it is not there. */
static void test_editions(void **state)
{
	struct flow flow = flow_of(2);
	uint32_t row, seq;

	(void)state;
	open_table(10);
	assert_int_equal(put(2, &row), 0);
	seq = slots[row].seq;
	assert_true(seq & 1);
	flow_table_write(&table, row, &flow);
	assert_int_equal(slots[row].seq, seq + 2);
	flow_table_end(&table, row);
	assert_int_equal(slots[row].seq, seq + 3);
	/* An end more is none. */
	flow_table_end(&table, row);
	assert_int_equal(slots[row].seq, seq + 3);
}

/* The key of one that ended can be put again at once, in another row. */
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
	/* Both rows rest, but not for their own key. */
	for (int i = 0; i < 2 * FLOW_PROBES; i++) {
		assert_int_equal(put(6, &third), 0);
		assert_int_equal(third, first);
		flow_table_end(&table, third);
		flow_table_free(&table, third);
	}
}

/* Another key does not get a row that was just given back. */
static void test_rest(void **state)
{
	uint32_t other = 2, row, rested;

	(void)state;
	open_table(10);
	while (first_row(other) != first_row(0))
		other += 2;
	assert_int_equal(put(0, &row), 0);
	flow_table_end(&table, row);
	flow_table_free(&table, row);
	assert_int_equal(put(other, &rested), 0);
	assert_int_not_equal(rested, row);
	flow_table_end(&table, rested);
	flow_table_free(&table, rested);
	milliseconds += 1000;
	assert_int_equal(put(other, &rested), 0);
	assert_int_equal(rested, row);
}

static void test_counts_begin_anew(void **state)
{
	uint32_t row;

	(void)state;
	open_table(10);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(put(6, &row), 0);
		assert_int_equal(slots[row].packets, 0);
		assert_int_equal(slots[row].data, 0);
		assert_int_equal(slots[row].trimmed, 0);
		slots[row].packets = slots[row].data = slots[row].trimmed = 7;
		/* A flow that is replaced is the same flow. */
		flow_table_write(&table, row, &(struct flow){ .hop = 1 });
		assert_int_equal(slots[row].packets, 7);
		flow_table_end(&table, row);
		flow_table_free(&table, row);
		milliseconds += 1000;
	}
}

static void test_room(void **state)
{
	uint32_t row[10], more;

	(void)state;
	open_table(10);
	for (uint32_t n = 0; n < 10; n++)
		assert_int_equal(put(n, &row[n]), 0);
	assert_int_equal(put(10, &more), -ENOSPC);
	assert_int_equal(put(3, &more), -EEXIST);
	flow_table_end(&table, row[3]);
	assert_int_equal(put(10, &more), -ENOSPC);
	flow_table_free(&table, row[3]);
	assert_int_equal(put(10, &more), 0);
	for (uint32_t n = 0; n < 10; n++) {
		if (n != 3)
			check_flow(n, row[n]);
	}
}

/* A table as large as that of 100000 channels takes as many flows as it says. */
static void test_full(void **state)
{
	enum { MANY = 200000 };
	uint32_t *row = calloc(MANY, sizeof(*row));

	(void)state;
	assert_non_null(row);
	open_table(MANY);
	for (uint32_t n = 0; n < MANY; n++)
		assert_int_equal(put(n, &row[n]), 0);
	for (uint32_t n = 0; n < MANY; n++)
		assert_int_equal(look_up(n), row[n]);
	for (uint32_t n = 0; n < MANY; n++) {
		flow_table_end(&table, row[n]);
		flow_table_free(&table, row[n]);
	}
	for (uint32_t i = 0; i < table.slots; i++)
		assert_int_equal(slots[i].passed, 0);
	free(row);
}

/* Where rows are few, and nearly all taken, each flow is found, whichever are gone. */
static void test_collisions(void **state)
{
	enum { FLOWS = 64, ROWS = FLOW_SLOTS_MIN };
	int64_t row[FLOWS];
	uint64_t random = SEED;
	uint32_t taken = 0, moved = 0, full = 0;

	(void)state;
	open_rows(ROWS, ROWS);
	for (int n = 0; n < FLOWS; n++)
		row[n] = -1;
	for (int step = 0; step < 20000; step++) {
		uint32_t n = (uint32_t)(unit_random(&random) % FLOWS), at;
		int error;

		milliseconds += 1000;
		if (row[n] >= 0) {
			flow_table_end(&table, (uint32_t)row[n]);
			flow_table_free(&table, (uint32_t)row[n]);
			row[n] = -1;
			taken--;
		} else {
			error = put(n, &at);
			assert_true(!error || (error == -ENOSPC && taken >= FLOW_PROBES));
			row[n] = error ? -1 : (int64_t)at;
			taken += !error;
			moved += !error && at != first_row(n);
			full += error != 0;
		}
		for (uint32_t i = 0; i < FLOWS; i++)
			assert_int_equal(look_up(i), row[i]);
	}
	/* The test is none if nothing collided. */
	assert_true(moved > 1000 && full > 100);
}

/* ---- a reader beside the writer ---- */

/* The writer's thread may have to wait for a processor before it begins. */
enum { READS = 200000, PATIENCE = 30 /* seconds */ };

static bool writing;

/* Two keys of one family whose first row is the same. */
static uint32_t turn[2];

/* They stand there by turns, with flows that say whose it is. */
static void *write_by_turns(void *unused)
{
	uint32_t row, i = 0;

	(void)unused;
	while (__atomic_load_n(&writing, __ATOMIC_RELAXED)) {
		milliseconds += 1000;
		if (put(turn[i], &row) || row != first_row(turn[0]))
			return "put";
		flow_table_end(&table, row);
		flow_table_free(&table, row);
		i = !i;
	}
	return NULL;
}

/* As bpf/flows.h: the seq, the key, a copy, the seq. 1 with the flow of key n. */
static int read_as_program(uint32_t n, struct flow_slot *copy)
{
	union flow_any_key key, here;
	const struct flow_slot *slot = &slots[first_row(n)];
	uint32_t seq = __atomic_load_n(&slot->seq, __ATOMIC_ACQUIRE);

	if (!(seq & 1))
		return 0;
	key_of(n, &key);
	flow_table_slot_key(slot, &here);
	if (memcmp(&here, &key, sizeof(key)) != 0)
		return 0;
	memcpy(copy, (const void *)slot, sizeof(*copy));
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return __atomic_load_n(&slot->seq, __ATOMIC_RELAXED) == seq;
}

static void test_reader_sees_whole_flows(void **state)
{
	pthread_t thread;
	unsigned int seen[2] = { 0 };
	void *failed;
	time_t end;

	(void)state;
	open_table(4);
	for (turn[1] = 2; first_row(turn[1]) != first_row(turn[0]); turn[1] += 2)
		;
	writing = true;
	assert_int_equal(pthread_create(&thread, NULL, write_by_turns, NULL), 0);
	end = time(NULL) + PATIENCE;
	for (uint32_t i = 0; i < READS || ((!seen[0] || !seen[1]) && time(NULL) < end); i++) {
		struct flow here, wanted = flow_of(turn[i % 2]);
		struct flow_slot copy;

		if (!read_as_program(turn[i % 2], &copy))
			continue;
		flow_table_slot_flow(&copy, &here);
		assert_memory_equal(&here, &wanted, sizeof(here));
		seen[i % 2]++;
	}
	__atomic_store_n(&writing, false, __ATOMIC_RELAXED);
	pthread_join(thread, &failed);
	assert_null(failed);
	assert_true(seen[0] && seen[1]);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_all_families, close_table),
		cmocka_unit_test_teardown(test_reserved, close_table),
		cmocka_unit_test_teardown(test_editions, close_table),
		cmocka_unit_test_teardown(test_put_after_end, close_table),
		cmocka_unit_test_teardown(test_rest, close_table),
		cmocka_unit_test_teardown(test_counts_begin_anew, close_table),
		cmocka_unit_test_teardown(test_room, close_table),
		cmocka_unit_test_teardown(test_full, close_table),
		cmocka_unit_test_teardown(test_collisions, close_table),
		cmocka_unit_test_teardown(test_reader_sees_whole_flows, close_table),
	};

	return cmocka_run_group_tests_name("flow_table", tests, NULL, NULL);
}
