/* SPDX-License-Identifier: BSD-3-Clause */
#include "coturn/channel_pool.h"

#include <stdlib.h>
#include <string.h>

/* The state of the calling relay thread. */
static _Thread_local struct {
	struct hooked_channel **block;
	uint32_t blocks;
	struct hooked_channel *free;
} pool;

/* Adds a block. Does nothing if there is no memory. */
static void add_block(void)
{
	struct hooked_channel **more = realloc(pool.block, (pool.blocks + 1) * sizeof(*more));
	struct hooked_channel *block;

	if (!more)
		return;
	pool.block = more;
	block = aligned_alloc(_Alignof(struct hooked_channel), CHANNEL_POOL_BLOCK * sizeof(*block));
	if (!block)
		return;
	memset(block, 0, CHANNEL_POOL_BLOCK * sizeof(*block));
	pool.block[pool.blocks++] = block;
	/* The first one is taken first. */
	for (unsigned int i = CHANNEL_POOL_BLOCK; i--;)
		channel_pool_give(&block[i]);
}

struct hooked_channel *channel_pool_take(void)
{
	struct hooked_channel *hooked;

	if (!pool.free)
		add_block();
	hooked = pool.free;
	if (!hooked)
		return NULL;
	pool.free = hooked->next;
	hooked->next = NULL;
	hooked->taken = true;
	return hooked;
}

void channel_pool_give(struct hooked_channel *hooked)
{
	memset(hooked, 0, sizeof(*hooked));
	hooked->next = pool.free;
	pool.free = hooked;
}

uint32_t channel_pool_blocks(void)
{
	return pool.blocks;
}

struct hooked_channel *channel_pool_block(uint32_t index)
{
	return pool.block[index];
}
