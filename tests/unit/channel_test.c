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

#define SEED 0x2545f4914f6cdd1dULL
#define FLOWS 128
#define HOPS 128
#define FIRST_ID 0xbeef

/* ---- what stands in for the kernel ---- */

struct fake_flow {
	struct flow_key key;
	struct flow flow;
	bool used;
};

static struct {
	pthread_mutex_t lock;
	struct fake_flow flows[FLOWS];
	struct usage usage[FLOWS]; /* rows */
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

static int direction_of(const struct flow_key *key)
{
	return key->channel ? 0 : 1;
}

static struct fake_flow *flow_find(const struct flow_key *key)
{
	for (int i = 0; i < FLOWS; i++) {
		if (fake.flows[i].used && !memcmp(&fake.flows[i].key, key, sizeof(*key)))
			return &fake.flows[i];
	}
	return NULL;
}

int map_flow_put(const struct flow_key *key, const struct flow *flow)
{
	int error = -E2BIG;

	pthread_mutex_lock(&fake.lock);
	called("put", direction_of(key));
	if (++fake.puts == fake.put_fails) {
		error = fake.error;
	} else if (flow_find(key)) {
		error = -EEXIST;
	} else {
		for (int i = 0; i < FLOWS && error; i++) {
			if (!fake.flows[i].used) {
				fake.flows[i] = (struct fake_flow){ *key, *flow, true };
				error = 0;
			}
		}
	}
	pthread_mutex_unlock(&fake.lock);
	return error;
}

int map_flow_replace(const struct flow_key *key, const struct flow *flow)
{
	struct fake_flow *found;
	int error = 0;

	pthread_mutex_lock(&fake.lock);
	called("replace", direction_of(key));
	found = flow_find(key);
	if (++fake.replaces == fake.replace_fails)
		error = fake.error;
	else if (!found)
		error = -ENOENT;
	else
		found->flow = *flow;
	pthread_mutex_unlock(&fake.lock);
	return error;
}

int map_flow_delete(const struct flow_key *key)
{
	struct fake_flow *found;
	int error = 0;

	pthread_mutex_lock(&fake.lock);
	called("delete", direction_of(key));
	found = flow_find(key);
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

static int hop_direction(uint32_t row)
{
	return row % 2 ? 1 : 0;
}

/* Even rows lead to peers and odd ones to clients, which have ports 1 to 63. */
int nexthop_acquire(int family, const union abi_addr *from, const union abi_addr *to, uint32_t *row)
{
	int error = 0;

	pthread_mutex_lock(&fake.lock);
	assert_int_equal(family, AF_INET);
	for (int i = 1; i < 4; i++) {
		assert_int_equal(from->word[i], 0);
		assert_int_equal(to->word[i], 0);
	}
	called("acquire", to->v4 == inet_addr("192.0.2.10"));
	if (++fake.acquires == fake.acquire_fails) {
		error = fake.error;
	} else {
		*row = 2 * (fake.acquires % (HOPS / 2)) + (to->v4 == inet_addr("192.0.2.10"));
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

static const struct channel_style style = { .ttl = 64, .client_ttl_fixed = 1, .client_df = true };

static union endpoint endpoint(const char *address, uint16_t port)
{
	union endpoint endpoint;

	memset(&endpoint, 0, sizeof(endpoint));
	endpoint.v4.sin_family = AF_INET;
	endpoint.v4.sin_port = htons(port);
	endpoint.v4.sin_addr.s_addr = inet_addr(address);
	return endpoint;
}

static struct channel_request request(uint16_t n)
{
	return (struct channel_request){
		.client = endpoint("192.0.2.10", 40000),
		.server = endpoint("192.0.2.1", 3478),
		.relay = endpoint("198.51.100.1", 50000),
		.peer = endpoint("203.0.113.20", 4000 + n),
		.number = 0x4000 + n,
		.client_udp = true,
		.relay_udp = true,
		.df = true,
	};
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
	struct flow_key key[2];
	struct flow flow[2];

	channel_flows(&what, &style, key, flow);
	return flow_find(&key[direction]);
}

/* ---- keys and values ---- */

static void test_flows(void **state)
{
	struct channel_request what = request(5);
	struct channel_style given = { .ttl = 63, .client_ttl_fixed = 1, .client_df = true };
	struct flow_key key[2];
	struct flow flow[2];

	(void)state;
	channel_flows(&what, &given, key, flow);
	/* Found by what the client sends: five-tuple and number. */
	assert_int_equal(key[0].saddr, inet_addr("192.0.2.10"));
	assert_int_equal(key[0].sport, htons(40000));
	assert_int_equal(key[0].daddr, inet_addr("192.0.2.1"));
	assert_int_equal(key[0].dport, htons(3478));
	assert_int_equal(key[0].channel, htons(0x4005));
	/* Leaves from the relayed transport address, without a header. */
	assert_int_equal(flow[0].saddr.v4, inet_addr("198.51.100.1"));
	assert_int_equal(flow[0].sport, htons(50000));
	assert_int_equal(flow[0].daddr.v4, inet_addr("203.0.113.20"));
	assert_int_equal(flow[0].dport, htons(4005));
	assert_int_equal(flow[0].channel, 0);
	assert_int_equal(flow[0].ttl, 63);
	assert_int_equal(flow[0].ttl_fixed, 0);
	assert_int_equal(flow[0].frag_off, htons(0x4000));
	/* Found by what the peer sends, which has no number. */
	assert_int_equal(key[1].saddr, inet_addr("203.0.113.20"));
	assert_int_equal(key[1].sport, htons(4005));
	assert_int_equal(key[1].daddr, inet_addr("198.51.100.1"));
	assert_int_equal(key[1].dport, htons(50000));
	assert_int_equal(key[1].channel, 0);
	/* Leaves from where the client sends to. */
	assert_int_equal(flow[1].saddr.v4, inet_addr("192.0.2.1"));
	assert_int_equal(flow[1].sport, htons(3478));
	assert_int_equal(flow[1].daddr.v4, inet_addr("192.0.2.10"));
	assert_int_equal(flow[1].dport, htons(40000));
	assert_int_equal(flow[1].channel, htons(0x4005));
	assert_int_equal(flow[1].ttl, 63);
	assert_int_equal(flow[1].ttl_fixed, 1);
	assert_int_equal(flow[1].frag_off, htons(0x4000));

	given.client_ttl_fixed = 0;
	channel_flows(&what, &given, key, flow);
	assert_int_equal(flow[0].ttl_fixed, 0);
	assert_int_equal(flow[1].ttl_fixed, 0);
}

/* Towards the peer the relay's socket says it, towards the client the listener's. */
static void test_df(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		struct channel_style given = { .ttl = 64, .client_df = i & 1 };
		struct channel_request what = request(5);
		struct flow_key key[2];
		struct flow flow[2];

		what.df = i & 2;
		channel_flows(&what, &given, key, flow);
		assert_int_equal(flow[0].frag_off, i & 2 ? htons(0x4000) : 0);
		assert_int_equal(flow[1].frag_off, i & 1 ? htons(0x4000) : 0);
	}
}

/* A key that differs in a byte of padding is another key: it is found never. */
static void test_no_byte_is_left_unset(void **state)
{
	struct channel_request what = request(5);
	struct flow_key zeros[2], ones[2];
	struct flow flow_zeros[2], flow_ones[2];

	(void)state;
	/* Bytes of the request that are not the address must not matter either. */
	memset(zeros, 0, sizeof(zeros));
	memset(flow_zeros, 0, sizeof(flow_zeros));
	channel_flows(&what, &style, zeros, flow_zeros);
	memset(ones, 0xff, sizeof(ones));
	memset(flow_ones, 0xff, sizeof(flow_ones));
	memset(what.client.v4.sin_zero, 0xff, sizeof(what.client.v4.sin_zero));
	memset(what.server.v4.sin_zero, 0xff, sizeof(what.server.v4.sin_zero));
	memset(what.relay.v4.sin_zero, 0xff, sizeof(what.relay.v4.sin_zero));
	memset(what.peer.v4.sin_zero, 0xff, sizeof(what.peer.v4.sin_zero));
	channel_flows(&what, &style, ones, flow_ones);
	assert_memory_equal(zeros, ones, sizeof(zeros));
	assert_memory_equal(flow_zeros, flow_ones, sizeof(flow_zeros));
	for (int i = 0; i < 2; i++) {
		assert_int_equal(ones[i].zero, 0);
		assert_int_equal(flow_ones[i].zero, 0);
		assert_int_equal(flow_ones[i].key_mark, flow_key_mark(&ones[i]));
		for (int word = 1; word < 4; word++) {
			assert_int_equal(flow_ones[i].saddr.word[word], 0);
			assert_int_equal(flow_ones[i].daddr.word[word], 0);
		}
	}
}

/* ---- checksums ---- */

/* RFC 1071 the plain way: bytes in pairs, high byte first, not complemented. */
static uint32_t sum_bytes(const uint8_t *bytes, size_t count, uint32_t sum)
{
	for (size_t i = 0; i < count; i++)
		sum += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
	while (sum > 0xffff)
		sum = (sum >> 16) + (sum & 0xffff);
	return sum;
}

/* The right checksum of a UDP datagram; 0 is sent as all ones (RFC 768). */
static uint16_t udp_checksum(uint32_t saddr, uint32_t daddr, uint16_t sport, uint16_t dport,
			     const uint8_t *payload, uint16_t length)
{
	uint8_t head[12 + 8] = { 0 };
	uint16_t udp_length = (uint16_t)(length + 8);
	uint32_t sum;

	memcpy(head, &saddr, 4);
	memcpy(head + 4, &daddr, 4);
	head[9] = IPPROTO_UDP;
	head[10] = (uint8_t)(udp_length >> 8);
	head[11] = (uint8_t)udp_length;
	memcpy(head + 12, &sport, 2);
	memcpy(head + 14, &dport, 2);
	memcpy(head + 16, head + 10, 2);
	sum = sum_bytes(head, sizeof(head), 0);
	sum = sum_bytes(payload, length, sum);
	return sum == 0xffff ? 0xffff : (uint16_t)~sum;
}

/* What a reader of `flow` has to add: new words, and old ones complemented. */
static uint16_t by_difference(uint16_t check, const struct flow *flow, const struct flow_key *key, uint16_t data)
{
	uint16_t bare = htons((uint16_t)(data + 8)), full = htons((uint16_t)(data + 12));
	uint16_t number = flow->channel ? flow->channel : key->channel;
	uint16_t length = htons(data);
	uint64_t sum = (uint16_t)~check;

	sum += flow->udp_delta;
	if (flow->channel)
		sum += 2 * (uint64_t)(uint16_t)~bare + 2 * (uint64_t)full + number + length;
	else
		sum += 2 * (uint64_t)(uint16_t)~full + 2 * (uint64_t)bare + (uint16_t)~number + (uint16_t)~length;
	while (sum > 0xffff)
		sum = (sum >> 16) + (sum & 0xffff);
	return sum == 0xffff ? 0xffff : (uint16_t)~sum;
}

static void random_endpoint(uint64_t *seed, union endpoint *endpoint)
{
	static const uint32_t extremes[] = { 0x00000001, 0xffffffff, 0xffff0000, 0x0000ffff, 0x00010001, 0xfffefffe };
	uint64_t drawn = unit_random(seed);

	endpoint->v4.sin_family = AF_INET;
	endpoint->v4.sin_addr.s_addr = drawn % 4 ? (uint32_t)(drawn >> 16) : extremes[(drawn >> 2) % COUNT(extremes)];
	drawn = unit_random(seed);
	endpoint->v4.sin_port = drawn % 4 ? (uint16_t)(drawn >> 16) : drawn % 8 ? 0xffff : 0x0100;
}

/* A packet as it comes and as it is to leave, both summed from their bytes. */
static void test_udp_delta(void **state)
{
	static uint8_t bytes[4 + 1500];
	uint64_t seed = SEED;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		struct channel_request what = { 0 };
		uint16_t data = (uint16_t)(unit_random(&seed) % 1469);
		struct flow_key key[2];
		struct flow flow[2];

		random_endpoint(&seed, &what.client);
		random_endpoint(&seed, &what.server);
		random_endpoint(&seed, &what.relay);
		random_endpoint(&seed, &what.peer);
		what.number = (uint16_t)(0x4000 + unit_random(&seed) % 0x4000);
		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = round % 16 == 0 ? 0 : round % 16 == 1 ? 0xff : (uint8_t)(unit_random(&seed) >> 24);
		bytes[0] = (uint8_t)(what.number >> 8);
		bytes[1] = (uint8_t)what.number;
		bytes[2] = (uint8_t)(data >> 8);
		bytes[3] = (uint8_t)data;
		channel_flows(&what, &style, key, flow);

		for (int i = 0; i < 2; i++) {
			const uint8_t *with = bytes, *without = bytes + 4;
			uint16_t in, out;

			in = udp_checksum(key[i].saddr, key[i].daddr, key[i].sport, key[i].dport,
					  i ? without : with, (uint16_t)(data + (i ? 0 : 4)));
			out = udp_checksum(flow[i].saddr.v4, flow[i].daddr.v4, flow[i].sport, flow[i].dport,
					   i ? with : without, (uint16_t)(data + (i ? 4 : 0)));
			assert_int_equal(ntohs(by_difference(htons(in), &flow[i], &key[i], data)), out);
		}
	}
}

static void test_ip_sum(void **state)
{
	uint64_t seed = SEED;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		struct channel_style given = { .ttl = 64, .client_df = round & 1 };
		struct channel_request what = { .number = 0x4000, .df = round & 2 };
		struct flow_key key[2];
		struct flow flow[2];

		random_endpoint(&seed, &what.client);
		random_endpoint(&seed, &what.server);
		random_endpoint(&seed, &what.relay);
		random_endpoint(&seed, &what.peer);
		channel_flows(&what, &given, key, flow);
		for (int i = 0; i < 2; i++) {
			uint64_t drawn = unit_random(&seed);
			uint8_t header[20] = { 0x45, (uint8_t)drawn, (uint8_t)(drawn >> 8), (uint8_t)(drawn >> 16) };
			uint64_t sum = flow[i].ip_sum;
			uint16_t word, check;

			memcpy(header + 4, (uint8_t[2]){ (uint8_t)(drawn >> 24), (uint8_t)(drawn >> 32) }, 2);
			header[6] = (i ? given.client_df : what.df) ? 0x40 : 0;
			header[8] = (uint8_t)(drawn >> 40);
			header[9] = IPPROTO_UDP;
			memcpy(header + 12, &flow[i].saddr.v4, 4);
			memcpy(header + 16, &flow[i].daddr.v4, 4);

			/* What differs from packet to packet is added by the reader. */
			sum += htons(header[1]);
			memcpy(&word, header + 2, 2);
			sum += word;
			memcpy(&word, header + 4, 2);
			sum += word;
			sum += htons((uint16_t)(header[8] << 8));
			while (sum > 0xffff)
				sum = (sum >> 16) + (sum & 0xffff);
			check = (uint16_t)~sum;
			assert_int_equal(ntohs(check), (uint16_t)~sum_bytes(header, sizeof(header), 0));
			/* And a receiver finds it right. */
			memcpy(header + 10, &check, 2);
			assert_int_equal(sum_bytes(header, sizeof(header), 0), 0xffff);
		}
	}
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
	assert_int_equal(found[0]->flow.ttl_fixed, 0);
	assert_int_equal(found[1]->flow.ttl_fixed, 1);

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
	struct flow_key key[2];
	struct flow flow[2], before;

	(void)state;
	assert_int_equal(start(4), 0);
	channel = open_channel(1);
	before = flow_of(1, 0)->flow;
	what.df = false;
	channel_flows(&what, &style, key, flow);
	flow[0].hop = before.hop;
	flow[0].usage = before.usage;
	flow[0].owner = before.owner;
	flow[0].id_first = before.id_first;

	fake.record = true;
	assert_int_equal(channel_clear_df(channel), 0);
	assert_string_equal(fake.calls, "replace to peer; ");
	assert_memory_equal(&flow_of(1, 0)->flow, &flow[0], sizeof(flow[0]));
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

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flows),
		cmocka_unit_test(test_no_byte_is_left_unset),
		cmocka_unit_test(test_df),
		cmocka_unit_test(test_udp_delta),
		cmocka_unit_test(test_ip_sum),
		cmocka_unit_test_teardown(test_open, stop),
		cmocka_unit_test(test_free_nothing),
		cmocka_unit_test_teardown(test_open_fails, stop),
		cmocka_unit_test_teardown(test_full, stop),
		cmocka_unit_test_teardown(test_same_pair_twice, stop),
		cmocka_unit_test_teardown(test_close_fails, stop),
		cmocka_unit_test_teardown(test_close_of_what_is_gone, stop),
		cmocka_unit_test_teardown(test_clear_df, stop),
		cmocka_unit_test_teardown(test_clear_df_fails, stop),
		cmocka_unit_test_teardown(test_read, stop),
		cmocka_unit_test_teardown(test_reused_rows_start_anew, stop),
		cmocka_unit_test_teardown(test_rows_are_reused_oldest_first, stop),
		cmocka_unit_test_teardown(test_threads, stop),
	};

	return cmocka_run_group_tests_name("channel", tests, NULL, NULL);
}
