/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the kernel counts is added to coturn's counters with as many reports as coturn would have made itself, and
 * nothing is lost or counted twice.
 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "channel/usage.h"

#define SEED 0x1d872b41c5e3f96bULL

/* A session as coturn has it. A report sets its counters of 32 bits to 0. */
struct session {
	uint32_t packets[USAGE_COUNTERS];
	uint32_t bytes[USAGE_COUNTERS];
	uint64_t total_packets[USAGE_COUNTERS];
	uint64_t total_bytes[USAGE_COUNTERS];
	uint64_t reports;
};

static uint32_t counted(const struct session *session)
{
	return session->packets[0] + session->packets[1] + session->packets[2] + session->packets[3];
}

/* What coturn does after each packet that it has counted, and our hook after each part (turn_report_session_usage). */
static void report(struct session *session)
{
	if (counted(session) % USAGE_REPORT_PACKETS)
		return;
	/* coturn reports nothing for a session that has only received from peers and sent to them. */
	if (!session->packets[USAGE_RECEIVED] && !session->packets[USAGE_SENT])
		return;
	for (int i = 0; i < USAGE_COUNTERS; i++) {
		session->total_packets[i] += session->packets[i];
		session->total_bytes[i] += session->bytes[i];
		session->packets[i] = 0;
		session->bytes[i] = 0;
	}
	session->reports++;
}

static uint64_t packets_in(const struct usage_sum *sum)
{
	return sum->packets[0] + sum->packets[1] + sum->packets[2] + sum->packets[3];
}

/* The loop of the server (fold in relay_thread.c), with checks of each part. */
static void fold(struct session *session, struct usage_sum rest)
{
	while (!usage_empty(&rest)) {
		struct usage_sum part, before = rest;
		uint32_t already = counted(session);
		uint64_t reports = session->reports;
		bool due;

		memset(&part, 0xff, sizeof(part));
		due = usage_take(&rest, already, &part);
		assert_true(packets_in(&part) > 0);
		assert_true(packets_in(&part) <= USAGE_REPORT_PACKETS - already % USAGE_REPORT_PACKETS);
		assert_int_equal(due, (already + packets_in(&part)) % USAGE_REPORT_PACKETS == 0);
		assert_true(due || usage_empty(&rest));
		for (int i = 0; i < USAGE_COUNTERS; i++) {
			assert_int_equal(part.packets[i] + rest.packets[i], before.packets[i]);
			assert_int_equal(part.bytes[i] + rest.bytes[i], before.bytes[i]);
			assert_true(part.packets[i] || !part.bytes[i] || usage_empty(&rest));
			session->packets[i] += (uint32_t)part.packets[i];
			session->bytes[i] += (uint32_t)part.bytes[i];
		}
		if (due) {
			report(session);
			assert_int_equal(session->reports, reports + 1);
		}
	}
	for (int i = 0; i < USAGE_COUNTERS; i++)
		assert_int_equal(rest.bytes[i], 0);
}

/* Counts the same packets one by one, as coturn does when it relays them. */
static void simulate(struct session *session, uint64_t to_peer, uint64_t to_client)
{
	while (to_peer || to_client) {
		if (to_peer) {
			to_peer--;
			session->packets[USAGE_RECEIVED]++;
			report(session);
			session->packets[USAGE_PEER_SENT]++;
			report(session);
		}
		if (to_client) {
			to_client--;
			session->packets[USAGE_PEER_RECEIVED]++;
			report(session);
			session->packets[USAGE_SENT]++;
			report(session);
		}
	}
}

static void test_add(void **state)
{
	static const struct usage to_peer = { .packets = 10, .bytes_in = 1040, .bytes_out = 1000 };
	static const struct usage to_client = { .packets = 3, .bytes_in = 300, .bytes_out = 312 };

	(void)state;
	for (unsigned int header = 0; header <= 4; header += 4) {
		struct usage_sum sum = { { 1, 2, 3, 4 }, { 5, 6, 7, 8 } };

		usage_add(&sum, &to_peer, &to_client, header);
		assert_int_equal(sum.packets[USAGE_RECEIVED], 1 + 10);
		assert_int_equal(sum.packets[USAGE_SENT], 2 + 3);
		assert_int_equal(sum.packets[USAGE_PEER_RECEIVED], 3 + 3);
		assert_int_equal(sum.packets[USAGE_PEER_SENT], 4 + 10);
		assert_int_equal(sum.bytes[USAGE_RECEIVED], 5 + 1040);
		assert_int_equal(sum.bytes[USAGE_SENT], 6 + 312);
		assert_int_equal(sum.bytes[USAGE_PEER_RECEIVED], 7 + 300);
		assert_int_equal(sum.bytes[USAGE_PEER_SENT], 8 + 1000 + header * 10);
	}
}

static void test_empty(void **state)
{
	struct usage_sum sum = { { 0 }, { 0 } }, part;

	(void)state;
	assert_true(usage_empty(&sum));
	for (int i = 0; i < USAGE_COUNTERS; i++) {
		memset(&sum, 0, sizeof(sum));
		sum.packets[i] = 1;
		assert_false(usage_empty(&sum));
		/* The lower 32 bits are 0. */
		sum.packets[i] = 1ULL << 32;
		assert_false(usage_empty(&sum));
		/* There are only bytes, whose packet was not read yet: they are moved, and no report is due. */
		sum.packets[i] = 0;
		sum.bytes[i] = 9;
		assert_false(usage_empty(&sum));
		assert_false(usage_take(&sum, USAGE_REPORT_PACKETS, &part));
		assert_true(usage_empty(&sum));
		assert_int_equal(part.bytes[i], 9);
		assert_int_equal(packets_in(&part), 0);
	}
}

static void test_nothing_to_take(void **state)
{
	struct usage_sum rest = { { 0 }, { 0 } }, part;

	(void)state;
	for (uint32_t already = 0; already <= 2 * USAGE_REPORT_PACKETS; already++) {
		memset(&part, 0xff, sizeof(part));
		assert_false(usage_take(&rest, already, &part));
		assert_true(usage_empty(&part));
	}
}

/* One packet less than makes a report due, exactly as many, and one more. */
static void test_boundary(void **state)
{
	static const uint32_t begun[] = { 0, 1, 2047, 4094, 4095, 4096, 4097, 8191, 1U << 31, UINT32_MAX };

	(void)state;
	for (size_t i = 0; i < COUNT(begun); i++) {
		uint64_t room = 4096 - begun[i] % 4096;
		char entry[64];

		for (int counter = 0; counter < USAGE_COUNTERS; counter++) {
			for (int more = -1; more <= 1; more++) {
				struct usage_sum rest = { { 0 }, { 0 } }, part;

				rest.packets[counter] = room + (uint64_t)more;
				rest.bytes[counter] = 7 * rest.packets[counter];
				snprintf(entry, sizeof(entry), "counted %u, counter %d, %d more", begun[i], counter, more);
				assert_entry_equal(entry, usage_take(&rest, begun[i], &part), more >= 0);
				assert_entry_equal(entry, part.packets[counter], more < 0 ? room - 1 : room);
				assert_entry_equal(entry, part.bytes[counter], 7 * part.packets[counter]);
				assert_entry_equal(entry, rest.packets[counter], more > 0);
				assert_entry_equal(entry, rest.bytes[counter], more > 0 ? 7 : 0);
			}
		}
	}
}

/* A part takes the same share of each counter, as if the packets had come one by one. */
static void test_proportion(void **state)
{
	struct usage_sum rest = { { 8192, 4096, 4096, 8192 }, { 819200, 409600, 4096, 0 } }, part;

	(void)state;
	assert_true(usage_take(&rest, 0, &part));
	assert_uint_in_range(part.packets[USAGE_RECEIVED], 1365, 1369);
	assert_uint_in_range(part.packets[USAGE_SENT], 682, 686);
	assert_uint_in_range(part.packets[USAGE_PEER_RECEIVED], 682, 686);
	assert_uint_in_range(part.packets[USAGE_PEER_SENT], 1365, 1369);
	assert_int_equal(packets_in(&part), 4096);
	assert_int_equal(part.bytes[USAGE_RECEIVED], 100 * part.packets[USAGE_RECEIVED]);
	assert_int_equal(part.bytes[USAGE_SENT], 100 * part.packets[USAGE_SENT]);
	assert_int_equal(part.bytes[USAGE_PEER_RECEIVED], part.packets[USAGE_PEER_RECEIVED]);
	assert_int_equal(part.bytes[USAGE_PEER_SENT], 0);

	/* The same where the bytes are not a multiple of the packets. */
	rest = (struct usage_sum){ { 10000, 0, 0, 0 }, { 9999, 0, 0, 0 } };
	assert_true(usage_take(&rest, 0, &part));
	assert_uint_in_range(part.bytes[USAGE_RECEIVED], 4095, 4096);
}

/*
 * A slot is read while the XDP program counts in it: the bytes of a packet may be read a second before the packet.
 * Such bytes are added with the last part.
 */
static void test_bytes_before_their_packet(void **state)
{
	struct session session = { 0 };
	struct usage_sum sum = { { 5000, 0, 0, 5000 }, { 500000, 104, 100, 500000 } };

	(void)state;
	fold(&session, sum);
	assert_int_equal(session.total_bytes[USAGE_SENT] + session.bytes[USAGE_SENT], 104);
	assert_int_equal(session.total_bytes[USAGE_PEER_RECEIVED] + session.bytes[USAGE_PEER_RECEIVED], 100);

	/* The same where a single part makes a report due. */
	memset(&session, 0, sizeof(session));
	sum = (struct usage_sum){ { 2048, 0, 0, 2048 }, { 500000, 104, 100, 500000 } };
	fold(&session, sum);
	assert_int_equal(session.reports, 1);
	assert_int_equal(session.total_bytes[USAGE_SENT], 104);
}

struct mix {
	uint64_t most; /* packets of each direction in one read */
	int reads;
	int directions; /* 1: to the peer only, 2: to the client only, 3: both */
};

static void test_as_packet_by_packet(void **state)
{
	static const struct mix mixes[] = {
		{ 3, 20000, 3 },   { 3, 20000, 1 },   { 3, 20000, 2 },   { 500, 3000, 3 },  { 2048, 2000, 3 },
		{ 4096, 1000, 1 }, { 5000, 1000, 2 }, { 10000, 500, 3 }, { 100000, 60, 3 }, { 3000000, 2, 3 },
	};
	uint64_t seed = SEED;

	(void)state;
	for (size_t i = 0; i < COUNT(mixes); i++) {
		struct session folded = { 0 }, single = { 0 };
		struct usage_sum all = { { 0 }, { 0 } };

		print_message("# %d reads of up to %llu packets, directions %d\n", mixes[i].reads,
			      (unsigned long long)mixes[i].most, mixes[i].directions);
		for (int read = 0; read < mixes[i].reads; read++) {
			struct usage to_peer = { 0 }, to_client = { 0 };
			struct usage_sum sum = { { 0 }, { 0 } };

			if (mixes[i].directions & 1)
				to_peer.packets = unit_random(&seed) % (mixes[i].most + 1);
			if (mixes[i].directions & 2)
				to_client.packets = unit_random(&seed) % (mixes[i].most + 1);
			to_peer.bytes_out = unit_random(&seed) % (to_peer.packets * 1500 + 1);
			to_peer.bytes_in = to_peer.bytes_out + 4 * to_peer.packets;
			to_client.bytes_in = unit_random(&seed) % (to_client.packets * 1500 + 1);
			to_client.bytes_out = to_client.bytes_in + 4 * to_client.packets;
			usage_add(&sum, &to_peer, &to_client, 0);
			usage_add(&all, &to_peer, &to_client, 0);
			fold(&folded, sum);
			simulate(&single, to_peer.packets, to_client.packets);
			assert_int_equal(counted(&folded), counted(&single));
			assert_int_equal(folded.reports, single.reports);
		}
		assert_true(folded.reports > 0);
		for (int k = 0; k < USAGE_COUNTERS; k++) {
			assert_int_equal(folded.total_packets[k] + folded.packets[k],
					 single.total_packets[k] + single.packets[k]);
			assert_int_equal(folded.total_packets[k] + folded.packets[k], all.packets[k]);
			assert_int_equal(folded.total_bytes[k] + folded.bytes[k], all.bytes[k]);
		}
	}
}

/* Four random numbers, also such as two directions never count. */
static void test_random_counters(void **state)
{
	uint64_t seed = SEED;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		struct usage_sum rest = { { 0 }, { 0 } }, all, taken = { { 0 }, { 0 } };
		uint32_t already = (uint32_t)unit_random(&seed);
		uint32_t before = already;
		uint64_t reports = 0;

		for (int i = 0; i < USAGE_COUNTERS; i++) {
			int shift = (int)(unit_random(&seed) % 16);

			if (unit_random(&seed) % 4)
				rest.packets[i] = unit_random(&seed) % (1U << shift);
			if (rest.packets[i])
				rest.bytes[i] = unit_random(&seed) % (rest.packets[i] * 65536);
		}
		all = rest;
		while (!usage_empty(&rest)) {
			struct usage_sum part;

			reports += usage_take(&rest, already, &part);
			assert_true(packets_in(&part) > 0);
			already += (uint32_t)packets_in(&part);
			for (int i = 0; i < USAGE_COUNTERS; i++) {
				taken.packets[i] += part.packets[i];
				taken.bytes[i] += part.bytes[i];
			}
		}
		assert_memory_equal(&all, &taken, sizeof(all));
		assert_int_equal(reports, (before % 4096 + packets_in(&all)) / 4096);
	}
}

/* A thread that was delayed for long reads counters of more than 32 bits at once. */
static void test_64_bits(void **state)
{
	struct session session = { 0 };
	struct usage to_peer = { 0 }, to_client = { 0 };
	struct usage_sum sum = { { 0 }, { 0 } };

	(void)state;
	to_peer.packets = (1ULL << 32) + 12345;
	to_peer.bytes_in = to_peer.packets * 1204;
	to_peer.bytes_out = to_peer.packets * 1200;
	to_client.packets = 7;
	to_client.bytes_in = 7 * 16384;
	to_client.bytes_out = 7 * 16388;
	usage_add(&sum, &to_peer, &to_client, 4);
	fold(&session, sum);
	assert_int_equal(session.reports, (2 * to_peer.packets + 14) / 4096);
	assert_int_equal(session.total_packets[USAGE_RECEIVED] + session.packets[USAGE_RECEIVED], to_peer.packets);
	assert_int_equal(session.total_packets[USAGE_PEER_SENT] + session.packets[USAGE_PEER_SENT],
			 to_peer.packets);
	assert_int_equal(session.total_bytes[USAGE_RECEIVED] + session.bytes[USAGE_RECEIVED], to_peer.bytes_in);
	assert_int_equal(session.total_bytes[USAGE_PEER_SENT] + session.bytes[USAGE_PEER_SENT], to_peer.bytes_in);
	assert_int_equal(session.total_bytes[USAGE_SENT] + session.bytes[USAGE_SENT], 7 * 16388);
}

/* coturn's counters have 32 bits, so no part may be larger. */
static void test_parts_fit_32_bits(void **state)
{
	struct usage_sum rest = { { 1ULL << 40, 1ULL << 40, 1, 0 }, { (1ULL << 40) * 65507, 1ULL << 40, 65507, 0 } };
	struct usage_sum part;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		assert_true(usage_take(&rest, 0, &part));
		assert_int_equal(packets_in(&part), 4096);
		for (int k = 0; k < USAGE_COUNTERS; k++)
			assert_true(part.bytes[k] <= UINT32_MAX);
		assert_uint_in_range(part.bytes[0], part.packets[0] * 65506, part.packets[0] * 65507);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_add),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_nothing_to_take),
		cmocka_unit_test(test_boundary),
		cmocka_unit_test(test_proportion),
		cmocka_unit_test(test_bytes_before_their_packet),
		cmocka_unit_test(test_as_packet_by_packet),
		cmocka_unit_test(test_random_counters),
		cmocka_unit_test(test_64_bits),
		cmocka_unit_test(test_parts_fit_32_bits),
	};

	return cmocka_run_group_tests_name("usage", tests, NULL, NULL);
}
