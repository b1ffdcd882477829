/* SPDX-License-Identifier: BSD-3-Clause */
#include "table/meter.h"

#include <string.h>

void limiter_open(struct limiter *limiter, struct limit *shared, uint64_t bps)
{
	memset(limiter, 0, sizeof(*limiter));
	memset(shared, 0, sizeof(*shared));
	shared->bps = bps > INT64_MAX ? INT64_MAX : bps;
	for (int i = 0; i < LIMIT_METERS; i++)
		shared->left[i] = (int64_t)shared->bps;
	limiter->shared = shared;
}

/* Below 0 is what was spent too much: it is part of the sum. */
static uint64_t count(struct limiter *limiter, enum limit_meter meter, int64_t left)
{
	limiter->counted[meter] = limiter->shared->bps - (uint64_t)left;
	return limiter->counted[meter];
}

/* A counter that is lower than it was set to is that of another socket, or began anew. */
static int64_t spend(struct limiter *limiter, enum limit_meter meter, uint64_t counter)
{
	uint64_t before = limiter->counted[meter];
	uint64_t spent = counter >= before ? counter - before : counter;

	return __atomic_sub_fetch(&limiter->shared->left[meter], (int64_t)spent, __ATOMIC_RELAXED);
}

uint64_t limiter_share(struct limiter *limiter, enum limit_meter meter, uint64_t counter)
{
	return count(limiter, meter, spend(limiter, meter, counter));
}

uint64_t limiter_turn(struct limiter *limiter, enum limit_meter meter, uint64_t counter)
{
	int64_t *left = (int64_t *)&limiter->shared->left[meter];
	int64_t rest;

	spend(limiter, meter, counter);
	rest = __atomic_exchange_n(left, (int64_t)limiter->shared->bps, __ATOMIC_RELAXED);
	if (rest >= 0)
		return count(limiter, meter, __atomic_load_n(left, __ATOMIC_RELAXED));
	return count(limiter, meter, __atomic_add_fetch(left, rest, __ATOMIC_RELAXED));
}

void limiter_lift(struct limiter *limiter, enum limit_meter meter)
{
	__atomic_store_n(&limiter->shared->left[meter], INT64_MAX, __ATOMIC_RELAXED);
}

void limiter_unsent(struct limiter *limiter, uint64_t *packets, uint64_t *bytes)
{
	uint64_t now_packets = __atomic_load_n(&limiter->shared->unsent_packets, __ATOMIC_RELAXED);
	uint64_t now_bytes = __atomic_load_n(&limiter->shared->unsent_bytes, __ATOMIC_RELAXED);

	*packets = now_packets - limiter->unsent_packets;
	*bytes = now_bytes - limiter->unsent_bytes;
	limiter->unsent_packets = now_packets;
	limiter->unsent_bytes = now_bytes;
}
