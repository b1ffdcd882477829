/* SPDX-License-Identifier: BSD-3-Clause */
#include "table/meter.h"

#include <stdbool.h>
#include <string.h>

/* A meter never falls below this, so that it cannot wrap round: of a greater debt the rest is forgotten. */
#define LEFT_MIN (INT32_MIN / 2)

void meter_open(struct meters *meters, struct limit *shared, uint64_t bps)
{
	memset(meters, 0, sizeof(*meters));
	memset(shared, 0, sizeof(*shared));
	shared->bps = bps > INT32_MAX ? INT32_MAX : (uint32_t)bps;
	for (int i = 0; i < LIMIT_METERS; i++)
		shared->left[i] = (int32_t)shared->bps;
	meters->shared = shared;
}

/*
 * What both sides have spent is max-bps less what is left. `left` is negative if they have spent more than
 * max-bps; then the sum is above it.
 */
static uint64_t count(struct meters *meters, enum limit_meter meter, int32_t left)
{
	meters->counted[meter] = (uint64_t)((int64_t)meters->shared->bps - left);
	return meters->counted[meter];
}

/* Takes bytes off a meter, from which the XDP program takes at the same time. Returns what is left. */
static int32_t take(int32_t *left, uint64_t bytes)
{
	int32_t had = __atomic_load_n(left, __ATOMIC_RELAXED), rest;

	do {
		rest = had < LEFT_MIN || bytes > (uint64_t)((int64_t)had - LEFT_MIN) ? LEFT_MIN :
										       (int32_t)(had - (int64_t)bytes);
	} while (!__atomic_compare_exchange_n(left, &had, rest, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	return rest;
}

/*
 * A counter that is lower than the value it was set to belongs to another socket, or coturn has cleared it:
 * then all that it has counts as new.
 */
static int32_t spend(struct meters *meters, enum limit_meter meter, uint64_t counter)
{
	uint64_t before = meters->counted[meter];

	return take(&meters->shared->left[meter], counter >= before ? counter - before : counter);
}

uint64_t meter_share(struct meters *meters, enum limit_meter meter, uint64_t counter)
{
	return count(meters, meter, spend(meters, meter, counter));
}

uint64_t meter_begin_second(struct meters *meters, enum limit_meter meter, uint64_t counter)
{
	int32_t *left = &meters->shared->left[meter];
	int32_t rest;

	spend(meters, meter, counter);
	rest = __atomic_exchange_n(left, (int32_t)meters->shared->bps, __ATOMIC_RELAXED);
	if (rest >= 0)
		return count(meters, meter, __atomic_load_n(left, __ATOMIC_RELAXED));
	return count(meters, meter, take(left, (uint64_t)(-(int64_t)rest)));
}

void meter_lift(struct meters *meters, enum limit_meter meter)
{
	__atomic_store_n(&meters->shared->left[meter], INT32_MAX, __ATOMIC_RELAXED);
}

void meter_unsent(struct meters *meters, uint64_t *packets, uint64_t *bytes)
{
	uint32_t now_packets = __atomic_load_n(&meters->shared->unsent_packets, __ATOMIC_RELAXED);
	uint32_t now_bytes = __atomic_load_n(&meters->shared->unsent_bytes, __ATOMIC_RELAXED);

	*packets = (uint32_t)(now_packets - meters->unsent_packets);
	*bytes = (uint32_t)(now_bytes - meters->unsent_bytes);
	meters->unsent_packets = now_packets;
	meters->unsent_bytes = now_bytes;
}
