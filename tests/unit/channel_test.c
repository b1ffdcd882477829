/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The channel table over tables that only pretend to be the kernel's: this file
 * has its own map and nexthop functions, so the linker leaves the library's out.
 */
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "channel.h"
#include "nexthop.h"
#include "sample.h"

#define SEED 0x2545f4914f6cdd1dULL
#define FLOWS 128
#define HOPS 128
#define FIRST_ID 0xbeef

/* ---- what stands in for the kernel ---- */

struct fake_flow {
	int family;
	union map_key key;
	struct flow flow;
	bool used;
};

static struct {
	pthread_mutex_t lock;
	struct fake_flow flows[FLOWS];
	struct usage usage[FLOWS]; /* rows */
	uint32_t limited[FLOWS];
	struct limit limit[FLOWS];
	unsigned int hop_users[HOPS];
	unsigned int puts, replaces, deletes, acquires;
	/* The call that fails, counted from 1, and how. */
	unsigned int put_fails, replace_fails, delete_fails, acquire_fails;
	int error;
	char calls[1024];
	bool record;
} fake = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void called(const char *what, int direction)
{
	static const char *const names[] = { "to peer", "to client" };
	size_t used = strlen(fake.calls);

	if (fake.record)
		snprintf(fake.calls + used, sizeof(fake.calls) - used, "%s %s; ", what, names[direction]);
}

static int direction_of(int family, const union map_key *key)
{
	return (family == AF_INET6 ? key->v6.channel : key->v4.channel) ? 0 : 1;
}

static struct fake_flow *flow_find(int family, const union map_key *key)
{
	for (int i = 0; i < FLOWS; i++) {
		if (fake.flows[i].used && fake.flows[i].family == family &&
		    !memcmp(&fake.flows[i].key, key, sizeof(*key)))
			return &fake.flows[i];
	}
	return NULL;
}

int map_flow_put(int family, const union map_key *key, const struct flow *flow)
{
	int error = -E2BIG;

	pthread_mutex_lock(&fake.lock);
	called("put", direction_of(family, key));
	if (++fake.puts == fake.put_fails) {
		error = fake.error;
	} else if (flow_find(family, key)) {
		error = -EEXIST;
	} else {
		for (int i = 0; i < FLOWS && error; i++) {
			if (!fake.flows[i].used) {
				fake.flows[i] = (struct fake_flow){ family, *key, *flow, true };
				error = 0;
			}
		}
	}
	pthread_mutex_unlock(&fake.lock);
	return error;
}

int map_flow_replace(int family, const union map_key *key, const struct flow *flow)
{
	struct fake_flow *found;
	int error = 0;

	pthread_mutex_lock(&fake.lock);
	called("replace", direction_of(family, key));
	found = flow_find(family, key);
	if (++fake.replaces == fake.replace_fails)
		error = fake.error;
	else if (!found)
		error = -ENOENT;
	else
		found->flow = *flow;
	pthread_mutex_unlock(&fake.lock);
	return error;
}

int map_flow_delete(int family, const union map_key *key)
{
	struct fake_flow *found;
	int error = 0;

	pthread_mutex_lock(&fake.lock);
	called("delete", direction_of(family, key));
	found = flow_find(family, key);
	if (++fake.deletes == fake.delete_fails)
		error = fake.error;
	else if (!found)
		error = -ENOENT;
	else
		found->used = false;
	pthread_mutex_unlock(&fake.lock);
	return error;
}

void map_usage_read(uint32_t row, struct usage *usage)
{
	assert_true(row < FLOWS);
	*usage = fake.usage[row];
}

void map_usage_begin(uint32_t row, struct usage *usage)
{
	map_usage_read(row, usage);
}

void map_limited_put(uint32_t usage, uint32_t limit)
{
	assert_true(usage < FLOWS);
	/* Not after the flow that looks for it. */
	for (int i = 0; i < FLOWS; i++)
		assert_true(!fake.flows[i].used || fake.flows[i].flow.usage != usage);
	fake.limited[usage] = limit;
}

struct limit *map_limit(uint32_t row)
{
	assert_true(row < FLOWS);
	return &fake.limit[row];
}

static int hop_direction(uint32_t row)
{
	return row % 2 ? 1 : 0;
}

static int leads_to_client(int family, const union abi_addr *to)
{
	union endpoint client = endpoint(client_address(family), 1);

	return !memcmp(to, family == AF_INET6 ? (void *)&client.v6.sin6_addr : &client.v4.sin_addr,
		       family == AF_INET6 ? 16 : 4);
}

/* Even rows lead to peers and odd ones to clients, which have ports 1 to 63. */
int nexthop_acquire(int family, const union abi_addr *from, const union abi_addr *to, uint32_t *row)
{
	int error = 0;

	pthread_mutex_lock(&fake.lock);
	for (int i = 1; family == AF_INET && i < 4; i++) {
		assert_int_equal(from->word[i], 0);
		assert_int_equal(to->word[i], 0);
	}
	called("acquire", leads_to_client(family, to));
	if (++fake.acquires == fake.acquire_fails) {
		error = fake.error;
	} else {
		*row = 2 * (fake.acquires % (HOPS / 2)) + leads_to_client(family, to);
		fake.hop_users[*row]++;
	}
	pthread_mutex_unlock(&fake.lock);
	return error;
}

void nexthop_release(uint32_t row)
{
	pthread_mutex_lock(&fake.lock);
	called("release", hop_direction(row));
	assert_true(row < HOPS);
	assert_true(fake.hop_users[row] > 0);
	fake.hop_users[row]--;
	pthread_mutex_unlock(&fake.lock);
}

/* In place of libc's, so that the first IP ID is known. */
long random(void)
{
	return 0x1230000 + FIRST_ID;
}

static unsigned int flows_now(void)
{
	unsigned int count = 0;

	for (int i = 0; i < FLOWS; i++)
		count += fake.flows[i].used;
	return count;
}

static unsigned int hops_now(void)
{
	unsigned int count = 0;

	for (int i = 0; i < HOPS; i++)
		count += fake.hop_users[i];
	return count;
}

/* ---- a channel ---- */

static const struct channel_style style = { .ttl = 64, .ttl6 = 64, .client_ttl_fixed = 1, .client_df = true };

/* The n-th channel: eight of IPv4 only, then those of the other families. */
static struct channel_request request(uint16_t n)
{
	return sample_request(&combinations[n / 8 % 4], n);
}

static int start(unsigned int channels)
{
	memset(&fake.flows, 0, sizeof(fake.flows));
	memset(&fake.usage, 0, sizeof(fake.usage));
	memset(&fake.hop_users, 0, sizeof(fake.hop_users));
	fake.puts = fake.replaces = fake.deletes = fake.acquires = 0;
	fake.put_fails = fake.replace_fails = fake.delete_fails = fake.acquire_fails = 0;
	fake.record = false;
	fake.calls[0] = '\0';
	return channel_start(channels, &style);
}

static int stop(void **state)
{
	(void)state;
	channel_stop();
	return 0;
}

static struct channel *open_channel(uint16_t n)
{
	struct channel_request what = request(n);
	struct channel *channel = NULL;

	assert_int_equal(channel_open(&what, 3, &channel), 0);
	assert_non_null(channel);
	return channel;
}

static struct fake_flow *flow_of(uint16_t n, int direction)
{
	struct channel_request what = request(n);
	struct channel_flow way[2];

	channel_flows(&what, &style, way);
	return flow_find(way[direction].family, &way[direction].key);
}

/* ---- open and close ---- */

static void test_open(void **state)
{
	struct channel *channel;
	struct fake_flow *found[2];

	(void)state;
	assert_int_equal(start(4), 0);
	fake.record = true;
	channel = open_channel(1);
	/* The way back is there before the way out can be used. */
	assert_string_equal(fake.calls, "acquire to client; put to client; acquire to peer; put to peer; ");
	assert_int_equal(flows_now(), 2);
	assert_int_equal(hops_now(), 2);
	for (int i = 0; i < 2; i++) {
		found[i] = flow_of(1, i);
		assert_non_null(found[i]);
		assert_int_equal(found[i]->flow.owner, 3);
		assert_int_equal(found[i]->flow.ttl, 64);
		assert_int_equal(found[i]->flow.frag_off, htons(0x4000));
		assert_int_equal(found[i]->flow.id_first, FIRST_ID);
		assert_true(found[i]->flow.usage < 8);
		assert_int_equal(fake.hop_users[found[i]->flow.hop], 1);
		assert_int_equal(hop_direction(found[i]->flow.hop), i);
	}
	assert_int_not_equal(found[0]->flow.usage, found[1]->flow.usage);
	assert_int_equal(found[0]->flow.ttl_from, FLOW_TTL_RECEIVED);
	assert_int_equal(found[1]->flow.ttl_from, FLOW_TTL_WAY);

	fake.calls[0] = '\0';
	assert_int_equal(channel_close(channel), 0);
	/* What could still be answered goes first; hops stay for packets under way. */
	assert_string_equal(fake.calls, "delete to peer; delete to client; ");
	assert_int_equal(flows_now(), 0);
	assert_int_equal(hops_now(), 2);

	fake.calls[0] = '\0';
	assert_int_equal(channel_close(channel), 0);
	assert_string_equal(fake.calls, "");
	channel_free(channel);
	assert_string_equal(fake.calls, "release to peer; release to client; ");
	assert_int_equal(hops_now(), 0);
}

static void test_free_nothing(void **state)
{
	(void)state;
	channel_free(NULL);
}

/* Nothing is left behind, and the room is all there still. */
static void check_untouched(unsigned int channels)
{
	struct channel *opened[FLOWS / 2];
	struct channel_request what = request(60);
	struct channel *none = NULL;

	assert_int_equal(flows_now(), 0);
	assert_int_equal(hops_now(), 0);
	fake.record = false;
	for (unsigned int i = 0; i < channels; i++)
		opened[i] = open_channel((uint16_t)i);
	assert_int_equal(channel_open(&what, 0, &none), -ENOSPC);
	for (unsigned int i = 0; i < channels; i++) {
		assert_int_equal(channel_close(opened[i]), 0);
		channel_free(opened[i]);
	}
}

static void test_open_fails(void **state)
{
	static const struct {
		const char *name;
		unsigned int put, acquire;
		int error, expected;
		const char *calls;
	} table[] = {
		{ "no hop for the first", 0, 1, -ENOSPC, -ENOSPC, "acquire to client; " },
		{ "no first flow", 1, 0, -EPERM, -EPERM, "acquire to client; put to client; release to client; " },
		{ "no room for the first", 1, 0, -E2BIG, -ENOSPC,
		  "acquire to client; put to client; release to client; " },
		{ "the first is there", 1, 0, -EEXIST, -EEXIST,
		  "acquire to client; put to client; release to client; " },
		{ "no hop for the second", 0, 2, -ENOSPC, -ENOSPC,
		  "acquire to client; put to client; acquire to peer; delete to client; release to client; " },
		{ "no second flow", 2, 0, -ENOMEM, -ENOMEM,
		  "acquire to client; put to client; acquire to peer; put to peer; release to peer; "
		  "delete to client; release to client; " },
		{ "no room for the second", 2, 0, -E2BIG, -ENOSPC,
		  "acquire to client; put to client; acquire to peer; put to peer; release to peer; "
		  "delete to client; release to client; " },
		{ "the second is there", 2, 0, -EEXIST, -EEXIST,
		  "acquire to client; put to client; acquire to peer; put to peer; release to peer; "
		  "delete to client; release to client; " },
	};

	for (size_t i = 0; i < COUNT(table); i++) {
		struct channel *untouched = (struct channel *)&fake;
		struct channel_request what = request(1);

		print_message("# %s\n", table[i].name);
		assert_int_equal(start(4), 0);
		fake.record = true;
		fake.put_fails = table[i].put;
		fake.acquire_fails = table[i].acquire;
		fake.error = table[i].error;
		assert_int_equal(channel_open(&what, 3, &untouched), table[i].expected);
		assert_ptr_equal(untouched, &fake);
		assert_string_equal(fake.calls, table[i].calls);
		check_untouched(4);
		stop(state);
	}
	assert_int_equal(start(1), 0);
}

static void test_full(void **state)
{
	struct channel *opened[8], *untouched = (struct channel *)&fake;
	struct channel_request what = request(20);
	unsigned int puts;

	(void)state;
	assert_int_equal(start(8), 0);
	for (uint16_t i = 0; i < 8; i++)
		opened[i] = open_channel(i);
	puts = fake.puts;
	assert_int_equal(channel_open(&what, 3, &untouched), -ENOSPC);
	assert_ptr_equal(untouched, &fake);
	/* The kernel is not even asked. */
	assert_int_equal(fake.puts, puts);
	assert_int_equal(flows_now(), 16);
	/* Closing alone makes no room: what it carried may still be read. */
	assert_int_equal(channel_close(opened[3]), 0);
	assert_int_equal(channel_open(&what, 3, &untouched), -ENOSPC);
	channel_free(opened[3]);
	opened[3] = open_channel(20);
	assert_int_equal(flows_now(), 16);
	for (int i = 0; i < 8; i++) {
		assert_int_equal(channel_close(opened[i]), 0);
		channel_free(opened[i]);
	}
	assert_int_equal(flows_now(), 0);
	assert_int_equal(hops_now(), 0);
}

/* The same address pair again is refused, and the first channel goes on. */
static void test_same_pair_twice(void **state)
{
	struct channel *first, *untouched = NULL;
	struct channel_request what = request(1);

	(void)state;
	assert_int_equal(start(4), 0);
	first = open_channel(1);
	assert_int_equal(channel_open(&what, 9, &untouched), -EEXIST);
	assert_null(untouched);
	/* Another number to the same peer: its way back is taken. */
	what.number++;
	assert_int_equal(channel_open(&what, 9, &untouched), -EEXIST);
	/* The same number to another peer: the way out is, so the way back is undone. */
	what = request(1);
	what.peer = endpoint("203.0.113.77", 4000);
	assert_int_equal(channel_open(&what, 9, &untouched), -EEXIST);
	assert_null(untouched);
	assert_int_equal(flows_now(), 2);
	assert_int_equal(hops_now(), 2);
	assert_int_equal(flow_of(1, 0)->flow.owner, 3);
	assert_int_equal(flow_of(1, 1)->flow.owner, 3);
	assert_int_equal(channel_close(first), 0);
	channel_free(first);
}

/* The first flow stays in the kernel: its rows are nobody else's for good. */
static void test_undo_fails(void **state)
{
	struct channel_request what = request(1);
	struct channel *channel = NULL, *other;

	(void)state;
	assert_int_equal(start(2), 0);
	fake.record = true;
	fake.put_fails = 2;
	fake.delete_fails = 1;
	fake.error = -EPERM;
	assert_int_equal(channel_open(&what, 3, &channel), -ENOTRECOVERABLE);
	assert_null(channel);
	assert_string_equal(fake.calls, "acquire to client; put to client; acquire to peer; put to peer; "
					"release to peer; delete to client; ");
	assert_int_equal(flows_now(), 1);
	assert_int_equal(hops_now(), 1);
	/* Of four rows three are left: room for one channel more. */
	other = open_channel(2);
	what = request(3);
	assert_int_equal(channel_open(&what, 3, &channel), -ENOSPC);
	assert_int_equal(channel_close(other), 0);
	channel_free(other);
}

/* In each family: what is computed at bind is what the kernel gets. */
static void test_open_families(void **state)
{
	(void)state;
	assert_int_equal(start(4), 0);
	for (uint16_t n = 1; n < 32; n += 8) {
		struct channel_request what = request(n);
		struct channel *channel = open_channel(n);
		struct channel_flow way[2];

		channel_flows(&what, &style, way);
		for (int i = 0; i < 2; i++) {
			const struct fake_flow *found = flow_of(n, i);

			assert_non_null(found);
			if (found->flow.flags & FLOW_V6)
				assert_int_equal(found->flow.label, way[i].flow.label);
			else
				assert_int_equal(found->flow.id_first, FIRST_ID);
		}
		/* It is found by the family of the client, and says that of the peer. */
		assert_int_equal(channel_clear_df(channel), 0);
		if (!(way[0].flow.flags & FLOW_V6))
			assert_int_equal(flow_of(n, 0)->flow.frag_off, 0);
		assert_int_equal(channel_close(channel), 0);
		assert_int_equal(flows_now(), 0);
		channel_free(channel);
	}
}

/* One way that will not go does not keep the other; another try ends it. */
static void test_close_fails(void **state)
{
	struct channel *channel;

	for (unsigned int fails = 1; fails <= 2; fails++) {
		assert_int_equal(start(2), 0);
		channel = open_channel(1);
		fake.record = true;
		fake.delete_fails = fails;
		fake.error = -EPERM;
		assert_int_equal(channel_close(channel), -EPERM);
		assert_string_equal(fake.calls, "delete to peer; delete to client; ");
		assert_int_equal(flows_now(), 1);
		assert_non_null(flow_of(1, fails == 1 ? 0 : 1));
		fake.calls[0] = '\0';
		assert_int_equal(channel_close(channel), 0);
		assert_string_equal(fake.calls, fails == 1 ? "delete to peer; " : "delete to client; ");
		assert_int_equal(flows_now(), 0);
		channel_free(channel);
		check_untouched(2);
		if (fails == 1)
			stop(state);
	}
}

/* A flow that is gone already has ended. */
static void test_close_of_what_is_gone(void **state)
{
	struct channel *channel;

	(void)state;
	assert_int_equal(start(2), 0);
	channel = open_channel(1);
	memset(&fake.flows, 0, sizeof(fake.flows));
	assert_int_equal(channel_close(channel), 0);
	assert_int_equal(fake.deletes, 2);
	assert_int_equal(channel_close(channel), 0);
	assert_int_equal(fake.deletes, 2);
	channel_free(channel);
}

/* The flow without DF is what it would have been from the start, and is the same flow. */
static void test_clear_df(void **state)
{
	struct channel_request what = request(1);
	struct channel *channel;
	struct channel_flow way[2];
	struct flow before, *flow;

	(void)state;
	assert_int_equal(start(4), 0);
	channel = open_channel(1);
	before = flow_of(1, 0)->flow;
	what.df = false;
	channel_flows(&what, &style, way);
	flow = &way[0].flow;
	flow->hop = before.hop;
	flow->usage = before.usage;
	flow->owner = before.owner;
	flow->id_first = before.id_first;

	fake.record = true;
	assert_int_equal(channel_clear_df(channel), 0);
	assert_string_equal(fake.calls, "replace to peer; ");
	assert_memory_equal(&flow_of(1, 0)->flow, flow, sizeof(*flow));
	assert_int_equal(flow_of(1, 1)->flow.frag_off, htons(0x4000));
	/* Again is nothing to do. */
	fake.calls[0] = '\0';
	assert_int_equal(channel_clear_df(channel), 0);
	assert_string_equal(fake.calls, "");
	assert_int_equal(channel_close(channel), 0);
	assert_int_equal(channel_clear_df(channel), 0);
	assert_int_equal(flows_now(), 0);
	channel_free(channel);
	assert_int_equal(hops_now(), 0);

	/* One that never had it. */
	assert_int_equal(channel_open(&what, 3, &channel), 0);
	fake.calls[0] = '\0';
	assert_int_equal(channel_clear_df(channel), 0);
	assert_string_equal(fake.calls, "");
	assert_int_equal(channel_close(channel), 0);
	/* And one that has ended, which must not come back. */
	channel_free(channel);
	channel = open_channel(2);
	assert_int_equal(channel_close(channel), 0);
	fake.calls[0] = '\0';
	assert_int_equal(channel_clear_df(channel), 0);
	assert_string_equal(fake.calls, "");
	assert_int_equal(flows_now(), 0);
	channel_free(channel);
}

static void test_clear_df_fails(void **state)
{
	struct channel *channel;

	(void)state;
	assert_int_equal(start(4), 0);
	channel = open_channel(1);
	fake.replace_fails = 1;
	fake.error = -EPERM;
	assert_int_equal(channel_clear_df(channel), -EPERM);
	/* It still can be closed. */
	assert_int_equal(channel_close(channel), 0);
	assert_int_equal(flows_now(), 0);
	channel_free(channel);
}

/* ---- usage ---- */

static void count(const struct fake_flow *flow, uint64_t packets, uint64_t bytes_in, uint64_t bytes_out)
{
	struct usage *usage = &fake.usage[flow->flow.usage];

	usage->packets += packets;
	usage->bytes_in += bytes_in;
	usage->bytes_out += bytes_out;
}

static void check_usage(struct channel *channel, const struct usage *to_peer, const struct usage *to_client)
{
	struct usage peer, client;

	memset(&peer, 0xff, sizeof(peer));
	memset(&client, 0xff, sizeof(client));
	channel_read(channel, &peer, &client);
	assert_memory_equal(&peer, to_peer, sizeof(peer));
	assert_memory_equal(&client, to_client, sizeof(client));
}

static void test_read(void **state)
{
	static const struct usage none;
	struct channel *channel;
	struct fake_flow *out, *back;

	(void)state;
	assert_int_equal(start(4), 0);
	/* Rows count since the server started, whoever had them. */
	for (int i = 0; i < 8; i++)
		fake.usage[i] = (struct usage){ 1000 + (uint64_t)i, 2000 + (uint64_t)i, 3000 + (uint64_t)i };
	channel = open_channel(1);
	out = flow_of(1, 0);
	back = flow_of(1, 1);
	check_usage(channel, &none, &none);
	count(out, 5, 540, 520);
	count(back, 2, 200, 208);
	check_usage(channel, &(struct usage){ 5, 540, 520 }, &(struct usage){ 2, 200, 208 });
	check_usage(channel, &none, &none);
	count(back, 1, 0, 4);
	check_usage(channel, &none, &(struct usage){ 1, 0, 4 });
	/* More than 32 bits hold. */
	count(out, 1ULL << 33, 1ULL << 43, 1ULL << 42);
	check_usage(channel, &(struct usage){ 1ULL << 33, 1ULL << 43, 1ULL << 42 }, &none);
	/* What fell between the last read and the end is there afterwards. */
	count(out, 3, 30, 18);
	assert_int_equal(channel_close(channel), 0);
	check_usage(channel, &(struct usage){ 3, 30, 18 }, &none);
	check_usage(channel, &none, &none);
	channel_free(channel);
}

/* The next channel in the same rows starts from nothing. */
static void test_reused_rows_start_anew(void **state)
{
	static const struct usage none;

	(void)state;
	assert_int_equal(start(1), 0);
	for (uint16_t n = 0; n < 5; n++) {
		struct channel *channel = open_channel(n);
		struct fake_flow *flow[2] = { flow_of(n, 0), flow_of(n, 1) };

		check_usage(channel, &none, &none);
		count(flow[0], 70000 + n, 9, 8);
		count(flow[1], 40 + n, 7, 6);
		assert_int_equal(channel_close(channel), 0);
		check_usage(channel, &(struct usage){ 70000 + n, 9, 8 }, &(struct usage){ 40 + n, 7, 6 });
		/* A packet that was under way when it ended is nobody's. */
		count(flow[0], 1, 1, 1);
		channel_free(channel);
	}
	/* There are two rows, and both were in use. */
	assert_true(fake.usage[0].packets > 0);
	assert_true(fake.usage[1].packets > 0);
	assert_int_equal(fake.usage[2].packets, 0);
}

/* Rows come back in the order in which they were given back: first in, first out. */
static void test_limited(void **state)
{
	struct limit *limit[3];
	uint32_t row[3], more;

	(void)state;
	assert_int_equal(start(3), 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(channel_limit_take(&row[i], &limit[i]), 0);
		assert_ptr_equal(limit[i], &fake.limit[row[i]]);
	}
	/* A session for each channel, and no more. */
	assert_int_equal(channel_limit_take(&more, &limit[0]), -ENOSPC);
	for (uint16_t n = 0; n < 32; n += 8) {
		struct channel_request what = request(n);
		struct channel *channel;

		what.limited = true;
		what.limit = row[2];
		assert_int_equal(channel_open(&what, 3, &channel), 0);
		for (int direction = 0; direction < 2; direction++) {
			const struct flow *flow = &flow_of(n, direction)->flow;
			bool in_v6 = what.peer.any.sa_family == AF_INET6;

			assert_true(flow->flags & FLOW_LIMITED);
			assert_int_equal(fake.limited[flow->usage], row[2]);
			/* The relay's family, which only peers' packets ask for. */
			assert_int_equal(!!(flow->flags & FLOW_LIMITED_V6), direction && in_v6);
		}
		assert_int_equal(channel_close(channel), 0);
		channel_free(channel);
	}
	channel_limit_give(row[1]);
	assert_int_equal(channel_limit_take(&more, &limit[0]), 0);
	assert_int_equal(more, row[1]);
}

static void test_rows_are_reused_oldest_first(void **state)
{
	enum { CHANNELS = 20, ROWS = 2 * CHANNELS };
	struct channel *opened[CHANNELS] = { NULL };
	uint32_t queue[ROWS], first = 0, waiting = ROWS;
	bool known = false; /* the queue's order: after all rows were out once */
	bool out[ROWS] = { false };
	uint64_t seed = SEED;
	uint16_t open_now = 0;

	(void)state;
	assert_int_equal(start(CHANNELS), 0);
	for (int step = 0; step < 20000; step++) {
		uint16_t n = (uint16_t)(unit_random(&seed) % CHANNELS);

		/* At first all are opened, so that each row is seen. */
		if (!known)
			n = open_now;
		if (!opened[n]) {
			uint32_t rows[2];

			opened[n] = open_channel(n);
			open_now++;
			rows[0] = flow_of(n, 1)->flow.usage;
			rows[1] = flow_of(n, 0)->flow.usage;
			for (int i = 0; i < 2; i++) {
				assert_true(rows[i] < ROWS);
				assert_false(out[rows[i]]);
				out[rows[i]] = true;
				if (known)
					assert_int_equal(rows[i], queue[first]);
				first = (first + 1) % ROWS;
				waiting--;
			}
			known = known || open_now == CHANNELS;
		} else {
			uint32_t rows[2] = { flow_of(n, 0)->flow.usage, flow_of(n, 1)->flow.usage };

			assert_int_equal(channel_close(opened[n]), 0);
			channel_free(opened[n]);
			opened[n] = NULL;
			open_now--;
			for (int i = 0; i < 2; i++) {
				out[rows[i]] = false;
				queue[(first + waiting++) % ROWS] = rows[i];
			}
		}
		assert_int_equal(flows_now(), 2 * open_now);
	}
	for (int i = 0; i < CHANNELS; i++) {
		if (opened[i]) {
			assert_int_equal(channel_close(opened[i]), 0);
			channel_free(opened[i]);
		}
	}
}

/* ---- threads ---- */

enum { THREADS = 4, EACH = 8, TURNS = 20000 };

static void *open_and_close(void *argument)
{
	struct channel *opened[EACH] = { NULL };
	uint16_t thread = *(uint16_t *)argument;
	uint64_t seed = SEED + thread;
	uintptr_t failures = 0;

	for (int turn = 0; turn < TURNS; turn++) {
		uint16_t slot = (uint16_t)(unit_random(&seed) % EACH);
		struct channel_request what = request((uint16_t)(thread * EACH + slot));

		if (!opened[slot]) {
			failures += channel_open(&what, thread, &opened[slot]) != 0;
		} else {
			failures += channel_close(opened[slot]) != 0;
			channel_free(opened[slot]);
			opened[slot] = NULL;
		}
	}
	for (int i = 0; i < EACH; i++) {
		if (opened[i]) {
			failures += channel_close(opened[i]) != 0;
			channel_free(opened[i]);
		}
	}
	return (void *)failures;
}

static void test_threads(void **state)
{
	pthread_t thread[THREADS];
	uint16_t number[THREADS];

	(void)state;
	assert_int_equal(start(THREADS * EACH), 0);
	for (uint16_t i = 0; i < THREADS; i++) {
		number[i] = i;
		assert_int_equal(pthread_create(&thread[i], NULL, open_and_close, &number[i]), 0);
	}
	for (int i = 0; i < THREADS; i++) {
		void *failures;

		assert_int_equal(pthread_join(thread[i], &failures), 0);
		assert_null(failures);
	}
	check_untouched(THREADS * EACH);
}

/* As the kernel rounds (kernel/bpf/hashtab.c): no flow shares its bucket with many. */
static void test_table_entries(void **state)
{
	static const uint32_t flows[] = { 1, 2, 3, 4, 5, 11, 12, 32768, 32770, 43690, 43691, 200000, 1u << 30 };

	(void)state;
	for (size_t i = 0; i < sizeof(flows) / sizeof(flows[0]); i++) {
		uint32_t entries = flow_table_entries(flows[i]);
		uint64_t buckets = 1;

		while (buckets < entries)
			buckets *= 2;
		assert_true(entries >= flows[i]);
		assert_true(2 * buckets >= 3 * (uint64_t)flows[i]);
		assert_true(buckets <= 3 * (uint64_t)flows[i]);
		assert_true(2 * (uint64_t)entries <= 3 * (uint64_t)flows[i] + 2);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_open, stop),
		cmocka_unit_test(test_free_nothing),
		cmocka_unit_test(test_table_entries),
		cmocka_unit_test_teardown(test_open_fails, stop),
		cmocka_unit_test_teardown(test_full, stop),
		cmocka_unit_test_teardown(test_same_pair_twice, stop),
		cmocka_unit_test_teardown(test_undo_fails, stop),
		cmocka_unit_test_teardown(test_open_families, stop),
		cmocka_unit_test_teardown(test_close_fails, stop),
		cmocka_unit_test_teardown(test_close_of_what_is_gone, stop),
		cmocka_unit_test_teardown(test_clear_df, stop),
		cmocka_unit_test_teardown(test_clear_df_fails, stop),
		cmocka_unit_test_teardown(test_read, stop),
		cmocka_unit_test_teardown(test_reused_rows_start_anew, stop),
		cmocka_unit_test_teardown(test_limited, stop),
		cmocka_unit_test_teardown(test_rows_are_reused_oldest_first, stop),
		cmocka_unit_test_teardown(test_threads, stop),
	};

	return cmocka_run_group_tests_name("channel", tests, NULL, NULL);
}
