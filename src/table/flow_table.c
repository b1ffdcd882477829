/* SPDX-License-Identifier: BSD-3-Clause */
#include "table/flow_table.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"

/* Marks in `freed`: the slot is reserved or written; the flow has ended, but the slot is not given back. */
#define TAKEN UINT32_MAX
#define ENDED (UINT32_MAX - 1)

/*
 * How long a slot that was given back is kept from other keys: a CPU that has read the old
 * flow may still count its packet there.
 */
#define REST_MS 100

int flow_table_open(struct flow_table *table, const struct flow_memory *memory, uint32_t slots, uint32_t flows,
		    const uint64_t *seed)
{
	table->freed = calloc(slots, sizeof(*table->freed));
	if (!table->freed)
		return -ENOMEM;
	table->memory = *memory;
	table->seed = seed;
	table->slots = slots;
	table->stride = flow_stride(slots);
	table->room = flows;
	return 0;
}

void flow_table_close(struct flow_table *table)
{
	free(table->freed);
	table->freed = NULL;
	memset(&table->memory, 0, sizeof(table->memory));
	table->slots = table->room = 0;
}

/* A time for `freed`. It is never 0, which means that no flow has had the slot yet, and never a mark. */
static uint32_t now_ms(void)
{
	uint32_t ms = (uint32_t)clock_coarse_ms();

	return ms == 0 ? 1 : ms < ENDED ? ms :
					  ENDED - 1;
}

/* ---- this server's own IPv6 addresses ---- */

/*
 * Returns the index of an address, or ABI_OWN6 if there is no room for it. There are few of them, and they stay,
 * as a packet may have read an index whose flow has ended. No flow has the address of zeros, which means that an
 * entry is free.
 */
static uint32_t own_index(struct flow_table *table, const void *address)
{
	static const union abi_addr none;
	union abi_addr *own = table->memory.own6;
	uint32_t index = 0;

	while (index < ABI_OWN6 && memcmp(&own[index], address, sizeof(*own)) && memcmp(&own[index], &none, sizeof(none)))
		index++;
	if (index < ABI_OWN6)
		memcpy(&own[index], address, sizeof(*own));
	return index;
}

/* ---- the key and the flow of a slot ---- */

static int key_write(struct flow_table *table, uint32_t index, int family, const union flow_any_key *key)
{
	struct flow_slot *slot = &table->memory.slot[index];
	struct flow_words *words = &table->memory.words[index];
	const struct flow_key6 *v6 = &key->v6;
	uint32_t own;

	if (family != AF_INET6) {
		memcpy(&slot->key_saddr, &key->v4, sizeof(key->v4));
		return 0;
	}
	own = own_index(table, v6->daddr);
	if (own == ABI_OWN6)
		return -EADDRNOTAVAIL;
	slot->key_saddr = v6->saddr[0];
	slot->key_daddr = own;
	memcpy(&slot->key_sport, &v6->sport, 8);
	words->key_saddr = v6->saddr[1];
	memcpy(&words->key_saddr_end, v6->saddr + 2, 8);
	return 0;
}

int flow_table_key(const struct flow_slot *slot, const struct flow_words *words, const union abi_addr *own6,
		   union flow_any_key *key)
{
	struct flow_key6 *v6 = &key->v6;

	memset(key, 0, sizeof(*key));
	if (slot->key_family != FLOW_KEY_V6) {
		memcpy(&key->v4, &slot->key_saddr, sizeof(key->v4));
		return AF_INET;
	}
	v6->saddr[0] = slot->key_saddr;
	v6->saddr[1] = words->key_saddr;
	memcpy(v6->saddr + 2, &words->key_saddr_end, 8);
	memcpy(v6->daddr, &own6[slot->key_daddr % ABI_OWN6], sizeof(v6->daddr));
	memcpy(&v6->sport, &slot->key_sport, 8);
	return AF_INET6;
}

void flow_table_flow(const struct flow_slot *slot, const struct flow_words *words, const union abi_addr *own6,
		     struct flow *flow)
{
	memset(flow, 0, sizeof(*flow));
	memcpy((char *)flow + FLOW_REST, slot->rest, sizeof(slot->rest));
	flow->saddr.v4 = slot->saddr;
	flow->daddr.v4 = slot->daddr;
	if (flow->flags & FLOW_V6) {
		flow->saddr = own6[slot->saddr % ABI_OWN6];
		flow->daddr.word[1] = words->daddr;
		memcpy(flow->daddr.word + 2, &words->daddr_end, 8);
	}
}

/* ---- what was counted ---- */

/* How many bits of `usage` are of the packets. */
#define PACKET_BITS (64 - USAGE_SHIFT)

void flow_table_add(uint64_t before, uint64_t after, struct flow_total *total)
{
	uint64_t more = after - before;

	total->packets += more >> USAGE_SHIFT;
	total->data += more & (USAGE_PACKET - 1);
}

uint32_t flow_table_halves(const struct flow_total *total)
{
	return (uint32_t)(total->packets >> (PACKET_BITS - 1)) << 16 | (uint16_t)(total->data >> (USAGE_SHIFT - 1));
}

/* The first number from `least` on that has these lowest `bits` bits. */
static uint64_t next_with(uint64_t least, uint64_t value, unsigned int bits)
{
	return least + ((value - least) & ((UINT64_C(1) << bits) - 1));
}

struct flow_total flow_table_total(uint64_t usage, uint32_t halves)
{
	struct flow_total total;

	total.data = next_with((uint64_t)(uint16_t)halves << (USAGE_SHIFT - 1), usage, USAGE_SHIFT);
	/* Whenever the bytes passed their range, they added 1 to the packets. */
	total.packets = next_with((uint64_t)(halves >> 16) << (PACKET_BITS - 1),
				  (usage >> USAGE_SHIFT) - (total.data >> USAGE_SHIFT), PACKET_BITS);
	return total;
}

/* ---- the slots where a key may stand ---- */

static uint64_t hash_of(const struct flow_table *table, int family, const union flow_any_key *key)
{
	return family == AF_INET6 ? flow_hash6((const __u64 *)table->seed, &key->v6) :
				    flow_hash((const __u64 *)table->seed, &key->v4);
}

static int key_at(const struct flow_table *table, uint32_t index, union flow_any_key *key)
{
	const struct flow_memory *memory = &table->memory;

	return flow_table_key(&memory->slot[index], &memory->words[index], memory->own6, key);
}

static bool key_is(const struct flow_table *table, uint32_t index, int family, const union flow_any_key *key)
{
	union flow_any_key here;

	return key_at(table, index, &here) == family &&
	       !memcmp(&here, key, family == AF_INET6 ? sizeof(key->v6) : sizeof(key->v4));
}

static bool key_exists(const struct flow_table *table, uint64_t hash, int family, const union flow_any_key *key)
{
	for (uint32_t probe = 1; probe <= FLOW_PROBES; probe++) {
		uint32_t index = flow_slot_index(hash, table->slots);

		if (table->freed[index] == TAKEN && key_is(table, index, family, key))
			return true;
		if (!table->memory.slot[index].passed)
			break;
		hash = flow_step(hash, probe, table->stride);
	}
	return false;
}

static bool is_free(const struct flow_table *table, uint32_t index, uint32_t now)
{
	return table->freed[index] < ENDED && (!table->freed[index] || now - table->freed[index] >= REST_MS);
}

/*
 * A slot that rests can be reserved by the key that it had last: a packet that is counted late
 * is then counted for the same addresses. Otherwise a channel that is bound again and again would use
 * up all slots where its key may stand.
 */
static bool was_of_key(const struct flow_table *table, uint32_t index, int family, const union flow_any_key *key)
{
	return table->freed[index] && table->freed[index] < ENDED && key_is(table, index, family, key);
}

static int find_room(const struct flow_table *table, uint64_t hash, int family, const union flow_any_key *key,
		     uint32_t *index)
{
	uint32_t now = now_ms();

	for (uint32_t probe = 1; probe <= FLOW_PROBES; probe++) {
		uint32_t here = flow_slot_index(hash, table->slots);

		if (is_free(table, here, now) || was_of_key(table, here, family, key)) {
			*index = here;
			return 0;
		}
		hash = flow_step(hash, probe, table->stride);
	}
	return -ENOSPC;
}

/*
 * Adds `more` (1 or -1) to `passed` of all slots that a search for the flow at `index` visits before
 * it: a search goes on where `passed` is not 0.
 */
static void count_passed(struct flow_table *table, uint64_t hash, uint32_t index, int32_t more)
{
	for (uint32_t probe = 1; flow_slot_index(hash, table->slots) != index; probe++) {
		__atomic_fetch_add(&table->memory.slot[flow_slot_index(hash, table->slots)].passed, (uint32_t)more, __ATOMIC_RELAXED);
		hash = flow_step(hash, probe, table->stride);
	}
}

/* ---- changes ---- */

/*
 * Begins or ends a change of a slot. `seq` is odd while the flow is there, and a reader uses what it has
 * read only if `seq` was odd and the same before and after. The fences keep all other writes between
 * the two calls.
 */
static void advance_seq(struct flow_slot *slot)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	__atomic_fetch_add(&slot->seq, 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

int flow_table_reserve(struct flow_table *table, int family, const union flow_any_key *key, uint32_t *index)
{
	uint64_t hash = hash_of(table, family, key);
	int error = -ENOSPC;
	uint32_t found;

	pthread_mutex_lock(&table->lock);
	if (key_exists(table, hash, family, key))
		error = -EEXIST;
	else if (table->room)
		error = find_room(table, hash, family, key, &found);
	if (!error)
		error = key_write(table, found, family, key);
	if (!error) {
		__atomic_store_n(&table->memory.slot[found].usage, 0, __ATOMIC_RELAXED);
		table->freed[found] = TAKEN;
		table->room--;
		count_passed(table, hash, found, 1);
		*index = found;
	}
	pthread_mutex_unlock(&table->lock);
	return error;
}

/* Returns in `saddr` what a slot has of a flow's source address. 0 or -EADDRNOTAVAIL. */
static int source_of(struct flow_table *table, const struct flow *flow, uint32_t *saddr)
{
	*saddr = flow->saddr.v4;
	if (!(flow->flags & FLOW_V6))
		return 0;
	pthread_mutex_lock(&table->lock);
	*saddr = own_index(table, &flow->saddr);
	pthread_mutex_unlock(&table->lock);
	return *saddr == ABI_OWN6 ? -EADDRNOTAVAIL : 0;
}

int flow_table_write(struct flow_table *table, uint32_t index, const struct flow *flow)
{
	struct flow_slot *slot = &table->memory.slot[index];
	struct flow_words *words = &table->memory.words[index];
	uint32_t saddr;
	int error = source_of(table, flow, &saddr);

	if (error)
		return error;
	if (slot->seq & 1)
		advance_seq(slot);
	memcpy(slot->rest, (const char *)flow + FLOW_REST, sizeof(slot->rest));
	slot->saddr = saddr;
	slot->daddr = flow->daddr.word[0];
	words->daddr = flow->daddr.word[1];
	memcpy(&words->daddr_end, flow->daddr.word + 2, 8);
	advance_seq(slot);
	return 0;
}

void flow_table_end(struct flow_table *table, uint32_t index)
{
	struct flow_slot *slot = &table->memory.slot[index];

	if (slot->seq & 1)
		advance_seq(slot);
	pthread_mutex_lock(&table->lock);
	table->freed[index] = ENDED;
	pthread_mutex_unlock(&table->lock);
}

void flow_table_free(struct flow_table *table, uint32_t index)
{
	union flow_any_key key;
	int family = key_at(table, index, &key);
	uint64_t hash = hash_of(table, family, &key);

	pthread_mutex_lock(&table->lock);
	count_passed(table, hash, index, -1);
	table->freed[index] = now_ms();
	table->room++;
	pthread_mutex_unlock(&table->lock);
}
