/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Opening, reading and closing channels, without the kernel. This file defines the functions of maps.c and
 * nexthop.c itself, so that the linker leaves out the library's. The table of flows is the real one, in memory of
 * this process.
 */
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "channel/channel.h"
#include "route/nexthop.h"
#include "sample.h"
#include "table/flow_table.h"
#include "table/maps.h"

#define SEED 0x2545f4914f6cdd1dULL
#define FLOWS 128
#define HOPS 128
#define FIRST_ID 0xbeef

/* ---- the functions that replace the kernel ---- */

static struct {
	pthread_mutex_t lock;
	struct flow_table table;
	unsigned int hop_users[HOPS];
	unsigned int puts, acquires;
	/* Which call fails, counted from 1 (0: none), and with which error. */
	unsigned int put_fails, acquire_fails;
	int error;
	char calls[1024];
	bool record;
} fake = { .lock = PTHREAD_MUTEX_INITIALIZER, .table = { .lock = PTHREAD_MUTEX_INITIALIZER } };

static struct flow_slot slots[2 * FLOWS];
static struct flow_words words[2 * FLOWS];
static union abi_addr own6[ABI_OWN6];
static const struct flow_memory memory = { slots, words, own6 };
static struct flow_note notes[2 * FLOWS];

static const uint64_t table_seed[FLOW_SEEDS] = { 0x9e3779b97f4a7c15, 0xbf58476d1ce4e5b9, 0x94d049bb133111eb,
						 0xd6e8feb86659fd93, 0xff51afd7ed558ccd, 0xc4ceb9fe1a85ec53,
						 0x2545f4914f6cdd1d, 0x9fb21c651e98df25, 0xa0761d6478bd642f,
						 0xe7037ed1a0b428db, 0x8ebc6af09c88c6e3 };

/* Each call is a second later than the last, so that no slot has to rest. */
int clock_gettime(clockid_t clock, struct timespec *now)
{
	static unsigned int seconds;

	(void)clock;
	*now = (struct timespec){ .tv_sec = __atomic_add_fetch(&seconds, 1, __ATOMIC_RELAXED) };
	return 0;
}

static void called(const char *what, int direction)
{
	static const char *const names[] = { "to peer", "to client" };
	size_t used = strlen(fake.calls);

	if (fake.record)
		snprintf(fake.calls + used, sizeof(fake.calls) - used, "%s %s; ", what, names[direction]);
}

static int direction_of(const struct flow_slot *slot)
{
	return slot->key_channel ? 0 : 1;
}

/* Returns the index of the slot with a flow that packets find, or -1. */
static int slot_find(int family, const union flow_any_key *key)
{
	for (uint32_t index = 0; index < fake.table.slots; index++) {
		union flow_any_key here;

		if (slots[index].seq & 1 && flow_table_key(&slots[index], &words[index], own6, &here) == family &&
		    !memcmp(&here, key, sizeof(here)))
			return (int)index;
	}
	return -1;
}

/* The path that this thread took last. */
static _Thread_local struct hop_path acquired;

/* The path begins where the packets of the flow come in. */
static void check_path(int family, const union flow_any_key *key)
{
	assert_int_equal(acquired.at_family, family);
	if (family == AF_INET6)
		assert_memory_equal(acquired.at.v6, key->v6.daddr, 16);
	else
		assert_int_equal(acquired.at.v4, key->v4.daddr);
	for (int i = family == AF_INET6 ? 4 : 1; i < 4; i++)
		assert_int_equal(acquired.at.word[i], 0);
}

int maps_flow_put(int family, const union flow_any_key *key, const struct flow *flow, uint32_t *index)
{
	int error = 0;

	check_path(family, key);
	pthread_mutex_lock(&fake.lock);
	called("put", (family == AF_INET6 ? key->v6.channel : key->v4.channel) ? 0 : 1);
	if (++fake.puts == fake.put_fails)
		error = fake.error;
	if (!error)
		error = flow_table_reserve(&fake.table, family, key, index);
	if (!error)
		error = flow_table_write(&fake.table, *index, flow);
	pthread_mutex_unlock(&fake.lock);
	return error;
}

int maps_flow_replace(uint32_t index, const struct flow *flow)
{
	called("replace", direction_of(&slots[index]));
	return flow_table_write(&fake.table, index, flow);
}

void maps_flow_end(uint32_t index)
{
	called("end", direction_of(&slots[index]));
	flow_table_end(&fake.table, index);
}

void maps_flow_free(uint32_t index)
{
	called("free", direction_of(&slots[index]));
	assert_false(slots[index].seq & 1);
	flow_table_free(&fake.table, index);
}

void maps_flow_read(uint32_t index, struct flow_count *count)
{
	assert_true(index < fake.table.slots);
	flow_table_add(count->usage, slots[index].usage, &count->total);
	count->usage = slots[index].usage;
}

uint64_t maps_flow_usage(uint32_t index)
{
	assert_true(index < fake.table.slots);
	return slots[index].usage;
}

uint32_t maps_flow_trimmed(uint32_t index)
{
	return maps_note(index)->trimmed;
}

void maps_flow_fetch(uint32_t index)
{
	assert_true(index < fake.table.slots);
}

void maps_note_fetch(uint32_t index)
{
	assert_true(index < fake.table.slots);
}

struct flow_note *maps_note(uint32_t index)
{
	assert_true(index < fake.table.slots);
	return &notes[index];
}

uint32_t maps_gate(uint32_t index)
{
	return slots[index].gate;
}

void maps_gate_put(uint32_t index, uint32_t gate)
{
	assert_true(index < fake.table.slots);
	slots[index].gate = gate;
}

/* No next hop is resolved. */
void maps_hop_facts(uint32_t index, struct hop_facts *facts)
{
	assert_true(index < HOPS);
	*facts = (struct hop_facts){ 0 };
}

static int hop_direction(uint32_t index)
{
	return index % 2 ? 1 : 0;
}

static int leads_to_client(int family, const union abi_addr *to)
{
	union endpoint client = endpoint(client_address(family), 1);

	return !memcmp(to, family == AF_INET6 ? (void *)&client.v6.sin6_addr : &client.v4.sin_addr,
		       family == AF_INET6 ? 16 : 4);
}

/* Entries with an even index lead to peers, and those with an odd one to clients. */
int nexthop_acquire(const struct hop_path *path, uint32_t *index)
{
	const union abi_addr *from = &path->from, *to = &path->to;
	int family = path->family, error = 0;

	pthread_mutex_lock(&fake.lock);
	for (int i = 1; family == AF_INET && i < 4; i++) {
		assert_int_equal(from->word[i], 0);
		assert_int_equal(to->word[i], 0);
	}
	called("acquire", leads_to_client(family, to));
	acquired = *path;
	if (++fake.acquires == fake.acquire_fails) {
		error = fake.error;
	} else {
		*index = 2 * (fake.acquires % (HOPS / 2)) + leads_to_client(family, to);
		fake.hop_users[*index]++;
	}
	pthread_mutex_unlock(&fake.lock);
	return error;
}

void nexthop_release(uint32_t index)
{
	pthread_mutex_lock(&fake.lock);
	called("release", hop_direction(index));
	assert_true(index < HOPS);
	assert_true(fake.hop_users[index] > 0);
	fake.hop_users[index]--;
	pthread_mutex_unlock(&fake.lock);
}

uint32_t nexthop_generation(void)
{
	return 0;
}

bool nexthop_leaves(uint32_t entry)
{
	(void)entry;
	return false;
}

/* Replaces libc's function, so that the first IP ID is known. */
long random(void)
{
	return 0x1230000 + FIRST_ID;
}

static unsigned int flows_now(void)
{
	unsigned int count = 0;

	for (uint32_t index = 0; index < fake.table.slots; index++)
		count += slots[index].seq & 1;
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

static const struct flow_style style = { .ttl = 64, .ttl6 = 64, .client_ttl_fixed = 1, .client_df = true };

/* The n-th channel. The first eight are from IPv4 to IPv4, the next from IPv4 to IPv6, and so on. */
static struct channel_request request(uint16_t n)
{
	return sample_request(&combinations[n / 8 % 4], n);
}

static int start(unsigned int channels)
{
	memset(slots, 0, sizeof(slots));
	memset(notes, 0, sizeof(notes));
	memset(&fake.hop_users, 0, sizeof(fake.hop_users));
	fake.puts = fake.acquires = fake.put_fails = fake.acquire_fails = 0;
	fake.record = false;
	fake.calls[0] = '\0';
	assert_int_equal(flow_table_open(&fake.table, &memory, flow_table_slots(2 * channels), 2 * channels, table_seed), 0);
	channel_start(&style);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	flow_table_close(&fake.table);
	return 0;
}

static struct channel *open_request(const struct channel_request *what)
{
	struct channel *channel = malloc(sizeof(*channel));

	assert_non_null(channel);
	assert_int_equal(channel_open(what, 3, channel), 0);
	return channel;
}

static struct channel *open_channel(uint16_t n)
{
	struct channel_request what = request(n);

	return open_request(&what);
}

static void free_channel(struct channel *channel)
{
	channel_free(channel);
	free(channel);
}

/* No channel can be opened, and nothing is written then. */
static void check_not_opened(const struct channel_request *what, int error)
{
	struct channel untouched, before;

	memset(&untouched, 0x5a, sizeof(untouched));
	before = untouched;
	assert_int_equal(channel_open(what, 9, &untouched), error);
	assert_memory_equal(&untouched, &before, sizeof(before));
}

static struct flow_slot *slot_of(uint16_t n, int direction)
{
	struct channel_request what = request(n);
	struct built_flow built[2];
	int index;

	flow_build(&what, &style, built);
	index = slot_find(built[direction].family, &built[direction].key);
	return index < 0 ? NULL : &slots[index];
}

static struct flow flow_of(uint16_t n, int direction)
{
	struct flow flow;

	assert_non_null(slot_of(n, direction));
	flow_table_flow(slot_of(n, direction), &words[slot_of(n, direction) - slots], own6, &flow);
	return flow;
}

/* ---- open and close ---- */

static void test_open(void **state)
{
	struct channel *channel;
	struct flow found[2];

	(void)state;
	assert_int_equal(start(4), 0);
	fake.record = true;
	channel = open_channel(1);
	/* The direction to the client exists before the direction to the peer can be used. */
	assert_string_equal(fake.calls, "acquire to client; put to client; acquire to peer; put to peer; ");
	assert_int_equal(flows_now(), 2);
	assert_int_equal(hops_now(), 2);
	for (int i = 0; i < 2; i++) {
		found[i] = flow_of(1, i);
		assert_int_equal(found[i].owner, 3);
		assert_int_equal(found[i].ttl, 64);
		assert_true(found[i].flags & FLOW_DF);
		assert_int_equal(found[i].id_first, FIRST_ID);
		assert_int_equal(fake.hop_users[found[i].hop], 1);
		assert_int_equal(hop_direction(found[i].hop), i);
	}
	assert_false(found[0].flags & (FLOW_TTL_ROUTE | FLOW_TTL_CONSTANT));
	assert_true(found[1].flags & FLOW_TTL_ROUTE);

	fake.calls[0] = '\0';
	channel_close(channel);
	/*
	 * The direction to the peer ends first, so that no packet is relayed whose answer is not. The next hops stay,
	 * because a CPU may still be relaying a packet by them.
	 */
	assert_string_equal(fake.calls, "end to peer; end to client; ");
	assert_int_equal(flows_now(), 0);
	assert_int_equal(hops_now(), 2);

	fake.calls[0] = '\0';
	channel_close(channel);
	assert_string_equal(fake.calls, "");
	free_channel(channel);
	assert_string_equal(fake.calls, "release to peer; free to peer; release to client; free to client; ");
	assert_int_equal(hops_now(), 0);
}

static void test_free_nothing(void **state)
{
	(void)state;
	channel_free(NULL);
}

/* Checks that no slot is in use, and that as many channels can be opened as at the start. */
static void check_untouched(unsigned int channels)
{
	struct channel *opened[FLOWS / 2];
	struct channel_request what = request(60);

	assert_int_equal(flows_now(), 0);
	assert_int_equal(hops_now(), 0);
	fake.record = false;
	for (unsigned int i = 0; i < channels; i++)
		opened[i] = open_channel((uint16_t)i);
	check_not_opened(&what, -ENOSPC);
	for (unsigned int i = 0; i < channels; i++) {
		channel_close(opened[i]);
		free_channel(opened[i]);
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
		{ "no room for the first", 1, 0, -ENOSPC, -ENOSPC,
		  "acquire to client; put to client; release to client; " },
		{ "the first is there", 1, 0, -EEXIST, -EEXIST,
		  "acquire to client; put to client; release to client; " },
		{ "no hop for the second", 0, 2, -ENOSPC, -ENOSPC,
		  "acquire to client; put to client; acquire to peer; end to client; release to client; free to client; " },
		{ "no room for the second", 2, 0, -ENOSPC, -ENOSPC,
		  "acquire to client; put to client; acquire to peer; put to peer; release to peer; "
		  "end to client; release to client; free to client; " },
		{ "any other error of the first", 1, 0, -ENOTRECOVERABLE, -ENOTRECOVERABLE,
		  "acquire to client; put to client; release to client; " },
		{ "any other error of the second", 2, 0, -ENOTRECOVERABLE, -ENOTRECOVERABLE,
		  "acquire to client; put to client; acquire to peer; put to peer; release to peer; "
		  "end to client; release to client; free to client; " },
		{ "any other error of the second hop", 0, 2, -ENOTRECOVERABLE, -ENOTRECOVERABLE,
		  "acquire to client; put to client; acquire to peer; end to client; release to client; free to client; " },
		{ "the second is there", 2, 0, -EEXIST, -EEXIST,
		  "acquire to client; put to client; acquire to peer; put to peer; release to peer; "
		  "end to client; release to client; free to client; " },
	};

	for (size_t i = 0; i < COUNT(table); i++) {
		struct channel_request what = request(1);

		print_message("# %s\n", table[i].name);
		assert_int_equal(start(4), 0);
		fake.record = true;
		fake.put_fails = table[i].put;
		fake.acquire_fails = table[i].acquire;
		fake.error = table[i].error;
		check_not_opened(&what, table[i].expected);
		assert_string_equal(fake.calls, table[i].calls);
		check_untouched(4);
		teardown(state);
	}
	assert_int_equal(start(1), 0);
}

static void test_full(void **state)
{
	struct channel *opened[8];
	struct channel_request what = request(20);

	(void)state;
	assert_int_equal(start(8), 0);
	for (uint16_t i = 0; i < 8; i++)
		opened[i] = open_channel(i);
	check_not_opened(&what, -ENOSPC);
	assert_int_equal(flows_now(), 16);
	/* A closed channel keeps its slots until it is freed, because what it carried may still be read. */
	channel_close(opened[3]);
	check_not_opened(&what, -ENOSPC);
	free_channel(opened[3]);
	opened[3] = open_channel(20);
	assert_int_equal(flows_now(), 16);
	for (int i = 0; i < 8; i++) {
		channel_close(opened[i]);
		free_channel(opened[i]);
	}
	assert_int_equal(flows_now(), 0);
	assert_int_equal(hops_now(), 0);
}

/* A second channel with the same flows is refused, and the first one stays. */
static void test_same_pair_twice(void **state)
{
	struct channel *first;
	struct channel_request what = request(1);

	(void)state;
	assert_int_equal(start(4), 0);
	first = open_channel(1);
	check_not_opened(&what, -EEXIST);
	/* Another number to the same peer: the flow to the client exists. */
	what.number++;
	check_not_opened(&what, -EEXIST);
	/* The same number to another peer: the flow to the peer exists, so the flow to the client is removed again. */
	what = request(1);
	what.peer = endpoint("203.0.113.77", 4000);
	check_not_opened(&what, -EEXIST);
	assert_int_equal(flows_now(), 2);
	assert_int_equal(hops_now(), 2);
	assert_int_equal(flow_of(1, 0).owner, 3);
	assert_int_equal(flow_of(1, 1).owner, 3);
	channel_close(first);
	free_channel(first);
}

/* In each combination of families, the flows in the table are the ones that flow_build has built. */
static void test_open_families(void **state)
{
	(void)state;
	assert_int_equal(start(4), 0);
	for (uint16_t n = 1; n < 32; n += 8) {
		struct channel_request what = request(n);
		struct channel *channel = open_channel(n);
		struct built_flow built[2];

		flow_build(&what, &style, built);
		for (int i = 0; i < 2; i++) {
			const struct flow found = flow_of(n, i);

			assert_int_equal(found.flags, built[i].flow.flags);
			if (found.flags & FLOW_V6)
				assert_int_equal(found.label, built[i].flow.label);
			else
				assert_int_equal(found.id_first, FIRST_ID);
			assert_memory_equal(&found.saddr, &built[i].flow.saddr, sizeof(found.saddr));
			assert_memory_equal(&found.daddr, &built[i].flow.daddr, sizeof(found.daddr));
		}
		/* The flow to the peer has a key of the client's family, and leaves by the peer's. */
		channel_clear_df(channel);
		if (!(built[0].flow.flags & FLOW_V6))
			assert_false(flow_of(n, 0).flags & FLOW_DF);
		channel_close(channel);
		assert_int_equal(flows_now(), 0);
		free_channel(channel);
	}
}

/* Another session may get the same ports, and bind a channel, before the first channel is freed. */
static void test_same_pair_after_the_end(void **state)
{
	struct channel *first, *second;

	(void)state;
	assert_int_equal(start(4), 0);
	first = open_channel(1);
	channel_close(first);
	second = open_channel(1);
	assert_int_equal(flows_now(), 2);
	free_channel(first);
	assert_int_equal(flows_now(), 2);
	channel_close(second);
	assert_int_equal(flows_now(), 0);
	free_channel(second);
	check_untouched(4);
}

/* A flow whose DF is cleared is equal to one that was built without DF, but keeps its hop, owner and first ID. */
static void test_clear_df(void **state)
{
	struct channel_request what = request(1);
	struct channel *channel;
	struct built_flow built[2];
	struct flow before, now, *flow;

	(void)state;
	assert_int_equal(start(4), 0);
	channel = open_channel(1);
	before = flow_of(1, 0);
	what.df = false;
	flow_build(&what, &style, built);
	flow = &built[0].flow;
	flow->hop = before.hop;
	flow->owner = before.owner;
	flow->id_first = before.id_first;

	fake.record = true;
	channel_clear_df(channel);
	assert_string_equal(fake.calls, "replace to peer; ");
	now = flow_of(1, 0);
	assert_memory_equal(&now, flow, sizeof(*flow));
	assert_true(flow_of(1, 1).flags & FLOW_DF);
	/* The second time there is nothing to do. */
	fake.calls[0] = '\0';
	channel_clear_df(channel);
	assert_string_equal(fake.calls, "");
	channel_close(channel);
	channel_clear_df(channel);
	assert_int_equal(flows_now(), 0);
	free_channel(channel);
	assert_int_equal(hops_now(), 0);

	/* The same for a channel that was opened without DF. */
	channel = open_request(&what);
	fake.calls[0] = '\0';
	channel_clear_df(channel);
	assert_string_equal(fake.calls, "");
	channel_close(channel);
	/* A channel that was closed must not be written again. */
	free_channel(channel);
	channel = open_channel(2);
	channel_close(channel);
	fake.calls[0] = '\0';
	channel_clear_df(channel);
	assert_string_equal(fake.calls, "");
	assert_int_equal(flows_now(), 0);
	free_channel(channel);
}

/* ---- usage ---- */

static void count(struct flow_slot *slot, uint64_t packets, uint64_t data, uint32_t trimmed)
{
	slot->usage += packets * USAGE_PACKET + data;
	notes[slot - slots].trimmed += trimmed;
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

/* Whether something was counted since the last read; asking does not read it. */
static void test_moved(void **state)
{
	struct channel *channel;
	struct flow_slot *slot[2];
	struct usage unused[2];

	(void)state;
	assert_int_equal(start(4), 0);
	channel = open_channel(1);
	for (int i = 0; i < 2; i++) {
		slot[i] = slot_of(1, i);
		assert_false(channel_moved(channel));
		count(slot[i], 1, 0, 0);
		assert_true(channel_moved(channel));
		channel_fetch(channel);
		channel_fetch_rest(channel);
		assert_true(channel_moved(channel));
		channel_read(channel, &unused[0], &unused[1]);
		assert_int_equal(unused[i].packets, 1);
		assert_false(channel_moved(channel));
		/* The bytes of a packet may be read before the packet. */
		count(slot[i], 0, 10, 0);
		assert_true(channel_moved(channel));
		channel_read(channel, &unused[0], &unused[1]);
	}
	assert_false(channel_moved(channel));
	channel_close(channel);
	free_channel(channel);
}

static void test_read(void **state)
{
	static const struct usage none;
	struct channel *channel;
	struct flow_slot *out, *back;

	(void)state;
	assert_int_equal(start(4), 0);
	channel = open_channel(1);
	out = slot_of(1, 0);
	back = slot_of(1, 1);
	check_usage(channel, &none, &none);
	/* A client's datagram has a header of 4 bytes, and may have padding; a peer's has neither. */
	count(out, 5, 520, 3);
	count(back, 2, 200, 0);
	check_usage(channel, &(struct usage){ 5, 543, 520 }, &(struct usage){ 2, 200, 208 });
	check_usage(channel, &none, &none);
	count(back, 1, 0, 0);
	check_usage(channel, &none, &(struct usage){ 1, 0, 4 });
	/*
	 * As much as there may be between two reads. The counter of padding has 32 bits, and may wrap around; so does what
	 * the slot has of the others.
	 */
	for (int i = 0; i < 5; i++) {
		count(out, 1ULL << 27, 1ULL << 35, 0xfffffffe);
		check_usage(channel,
			    &(struct usage){ 1ULL << 27, (1ULL << 35) + (1ULL << 29) + 0xfffffffe, 1ULL << 35 }, &none);
	}
	count(out, 1, 10, 3);
	check_usage(channel, &(struct usage){ 1, 17, 10 }, &none);
	/* The bytes of a packet may be read before the packet. */
	count(out, 0, 10, 0);
	check_usage(channel, &(struct usage){ 0, 10, 10 }, &none);
	/* What was counted between the last read and the close can be read after the close. */
	count(out, 3, 18, 0);
	channel_close(channel);
	check_usage(channel, &(struct usage){ 3, 30, 18 }, &none);
	check_usage(channel, &none, &none);
	free_channel(channel);
}

/* The next channel in the same slots has counters of 0. */
static void test_reused_slots_start_anew(void **state)
{
	static const struct usage none;
	struct flow_slot *had[2] = { NULL, NULL };

	(void)state;
	assert_int_equal(start(1), 0);
	for (uint16_t n = 0; n < 5; n++) {
		struct channel *channel = open_channel(1);
		struct flow_slot *slot[2] = { slot_of(1, 0), slot_of(1, 1) };

		for (int i = 0; i < 2; i++) {
			assert_true(!had[i] || had[i] == slot[i]);
			had[i] = slot[i];
		}
		check_usage(channel, &none, &none);
		count(slot[0], 70000 + n, 8, 0);
		count(slot[1], 40 + n, 7, 0);
		channel_close(channel);
		check_usage(channel, &(struct usage){ 70000 + n, 8 + 4 * (70000 + n), 8 },
			    &(struct usage){ 40 + n, 7, 7 + 4 * (40 + n) });
		/* A packet that a CPU counts after the last read is counted for no channel. */
		count(slot[0], 1, 1, 0);
		free_channel(channel);
	}
}

/* A limited session's slot of the limits is its number less 1. */
static void test_limited(void **state)
{
	(void)state;
	assert_int_equal(start(3), 0);
	for (uint16_t n = 0; n < 32; n += 8) {
		struct channel_request what = request(n);
		struct channel *channel;

		what.limited = true;
		what.session = 3;
		channel = open_request(&what);
		for (int direction = 0; direction < 2; direction++) {
			const struct flow flow = flow_of(n, direction);
			bool in_v6 = what.peer.any.sa_family == AF_INET6;

			assert_true(flow.flags & FLOW_LIMITED);
			assert_int_equal(notes[slot_of(n, direction) - slots].session, 3);
			/* This flag is set where a peer's packets arrive by IPv6. */
			assert_int_equal(!!(flow.flags & FLOW_LIMITED_V6), direction && in_v6);
		}
		channel_close(channel);
		free_channel(channel);
	}
}

/* ---- threads ---- */

enum { THREADS = 4, EACH = 8, TURNS = 20000 };

static void *open_and_close(void *argument)
{
	struct channel opened[EACH];
	bool is_open[EACH] = { false };
	uint16_t thread = *(uint16_t *)argument;
	uint64_t seed = SEED + thread;
	uintptr_t failures = 0;

	for (int turn = 0; turn < TURNS; turn++) {
		uint16_t slot = (uint16_t)(unit_random(&seed) % EACH);
		struct channel_request what = request((uint16_t)(thread * EACH + slot));

		if (!is_open[slot]) {
			failures += channel_open(&what, thread, &opened[slot]) != 0;
		} else {
			channel_close(&opened[slot]);
			channel_free(&opened[slot]);
		}
		is_open[slot] = !is_open[slot];
	}
	for (int i = 0; i < EACH; i++) {
		if (is_open[i]) {
			channel_close(&opened[i]);
			channel_free(&opened[i]);
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

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_open, teardown),
		cmocka_unit_test(test_free_nothing),
		cmocka_unit_test_teardown(test_open_fails, teardown),
		cmocka_unit_test_teardown(test_full, teardown),
		cmocka_unit_test_teardown(test_same_pair_twice, teardown),
		cmocka_unit_test_teardown(test_same_pair_after_the_end, teardown),
		cmocka_unit_test_teardown(test_open_families, teardown),
		cmocka_unit_test_teardown(test_clear_df, teardown),
		cmocka_unit_test_teardown(test_moved, teardown),
		cmocka_unit_test_teardown(test_read, teardown),
		cmocka_unit_test_teardown(test_reused_slots_start_anew, teardown),
		cmocka_unit_test_teardown(test_limited, teardown),
		cmocka_unit_test_teardown(test_threads, teardown),
	};

	return cmocka_run_group_tests_name("channel", tests, NULL, NULL);
}
