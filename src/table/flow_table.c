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

int flow_table_open(struct flow_table *table, struct flow_slot *slot, uint32_t slots, uint32_t flows,
		    const uint64_t *seed)
{
	table->freed = calloc(slots, sizeof(*table->freed));
	if (!table->freed)
		return -ENOMEM;
	table->slot = slot;
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
	table->slot = NULL;
	table->slots = table->room = 0;
}

/* A time for `freed`. It is never 0, which means that no flow has had the slot yet, and never a mark. */
static uint32_t now_ms(void)
{
	uint32_t ms = (uint32_t)clock_coarse_ms();

	return ms == 0 ? 1 : ms < ENDED ? ms :
					  ENDED - 1;
}

/* ---- the slots where a key may stand ---- */

static uint64_t hash_of(const struct flow_table *table, int family, const union flow_any_key *key)
{
	return family == AF_INET6 ? flow_hash6((const __u64 *)table->seed, &key->v6) :
				    flow_hash((const __u64 *)table->seed, &key->v4);
}

/*
 * struct flow_slot has the first words of both IPv6 addresses where IPv4 has its addresses, and the
 * other words further behind.
 */
static void key_write(struct flow_slot *slot, int family, const union flow_any_key *key)
{
	const struct flow_key6 *v6 = &key->v6;

	if (family != AF_INET6) {
		memcpy(&slot->key_saddr, &key->v4, sizeof(key->v4));
		return;
	}
	slot->key_saddr = v6->saddr[0];
	slot->key_daddr = v6->daddr[0];
	memcpy(&slot->key_sport, &v6->sport, 8);
	memcpy(slot->key_saddr6, v6->saddr + 1, sizeof(slot->key_saddr6));
	memcpy(slot->key_daddr6, v6->daddr + 1, sizeof(slot->key_daddr6));
}

int flow_table_slot_key(const struct flow_slot *slot, union flow_any_key *key)
{
	struct flow_key6 *v6 = &key->v6;

	memset(key, 0, sizeof(*key));
	if (slot->key_family != FLOW_KEY_V6) {
		memcpy(&key->v4, &slot->key_saddr, sizeof(key->v4));
		return AF_INET;
	}
	v6->saddr[0] = slot->key_saddr;
	v6->daddr[0] = slot->key_daddr;
	memcpy(&v6->sport, &slot->key_sport, 8);
	memcpy(v6->saddr + 1, slot->key_saddr6, sizeof(slot->key_saddr6));
	memcpy(v6->daddr + 1, slot->key_daddr6, sizeof(slot->key_daddr6));
	return AF_INET6;
}

void flow_table_slot_flow(const struct flow_slot *slot, struct flow *flow)
{
	memset(flow, 0, sizeof(*flow));
	memcpy((char *)flow + FLOW_REST, slot->rest, sizeof(slot->rest));
	flow->saddr.word[0] = slot->saddr;
	flow->daddr.word[0] = slot->daddr;
	if (flow->flags & FLOW_V6) {
		memcpy(flow->saddr.word + 1, slot->saddr6, sizeof(slot->saddr6));
		memcpy(flow->daddr.word + 1, slot->daddr6, sizeof(slot->daddr6));
	}
}

static bool key_is(const struct flow_slot *slot, int family, const union flow_any_key *key)
{
	union flow_any_key here;

	return flow_table_slot_key(slot, &here) == family &&
	       !memcmp(&here, key, family == AF_INET6 ? sizeof(key->v6) : sizeof(key->v4));
}

static bool key_exists(const struct flow_table *table, uint64_t hash, int family, const union flow_any_key *key)
{
	for (uint32_t probe = 1; probe <= FLOW_PROBES; probe++) {
		uint32_t index = flow_slot_index(hash, table->slots);

		if (table->freed[index] == TAKEN && key_is(&table->slot[index], family, key))
			return true;
		if (!table->slot[index].passed)
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
	return table->freed[index] && table->freed[index] < ENDED && key_is(&table->slot[index], family, key);
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
		__atomic_fetch_add(&table->slot[flow_slot_index(hash, table->slots)].passed, (uint32_t)more, __ATOMIC_RELAXED);
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

static void reset_counters(struct flow_slot *slot)
{
	__atomic_store_n(&slot->packets, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&slot->data, 0, __ATOMIC_RELAXED);
}

int flow_table_reserve(struct flow_table *table, int family, const union flow_any_key *key, uint32_t *index)
{
	uint64_t hash = hash_of(table, family, key);
	int error = -ENOSPC;

	pthread_mutex_lock(&table->lock);
	if (key_exists(table, hash, family, key))
		error = -EEXIST;
	else if (table->room)
		error = find_room(table, hash, family, key, index);
	if (!error) {
		key_write(&table->slot[*index], family, key);
		reset_counters(&table->slot[*index]);
		table->freed[*index] = TAKEN;
		table->room--;
		count_passed(table, hash, *index, 1);
	}
	pthread_mutex_unlock(&table->lock);
	return error;
}

void flow_table_write(struct flow_table *table, uint32_t index, const struct flow *flow)
{
	struct flow_slot *slot = &table->slot[index];

	if (slot->seq & 1)
		advance_seq(slot);
	memcpy(slot->rest, (const char *)flow + FLOW_REST, sizeof(slot->rest));
	slot->saddr = flow->saddr.word[0];
	slot->daddr = flow->daddr.word[0];
	memcpy(slot->saddr6, flow->saddr.word + 1, sizeof(slot->saddr6));
	memcpy(slot->daddr6, flow->daddr.word + 1, sizeof(slot->daddr6));
	advance_seq(slot);
}

void flow_table_end(struct flow_table *table, uint32_t index)
{
	struct flow_slot *slot = &table->slot[index];

	if (slot->seq & 1)
		advance_seq(slot);
	pthread_mutex_lock(&table->lock);
	table->freed[index] = ENDED;
	pthread_mutex_unlock(&table->lock);
}

void flow_table_free(struct flow_table *table, uint32_t index)
{
	union flow_any_key key;
	int family = flow_table_slot_key(&table->slot[index], &key);
	uint64_t hash = hash_of(table, family, &key);

	pthread_mutex_lock(&table->lock);
	count_passed(table, hash, index, -1);
	table->freed[index] = now_ms();
	table->room++;
	pthread_mutex_unlock(&table->lock);
}
