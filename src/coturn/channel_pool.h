/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The memory of a relay thread's channels. They stand in blocks, because a walk over all of them in the order of memory
 * is much faster than one from pointer to pointer, where the CPU has to wait for each of them. Blocks are kept until
 * the server ends. All functions are for the calling relay thread.
 */
#ifndef OFFLOAD_COTURN_CHANNEL_POOL_H
#define OFFLOAD_COTURN_CHANNEL_POOL_H

#include <stdint.h>

#include "coturn/relay_thread.h"

/* How many channels a block has. What a tick reads of them, and for them, fits into the first cache of most CPUs. */
#define CHANNEL_POOL_BLOCK 64

/** Returns a channel with all zeros but for `taken`, or NULL if there is no memory. It stays where it is. */
struct hooked_channel *channel_pool_take(void);

/** Gives a channel back. Another one gets its place. */
void channel_pool_give(struct hooked_channel *hooked);

/** Returns how many blocks there are. */
uint32_t channel_pool_blocks(void);

/**
 * Returns a block, the first of its CHANNEL_POOL_BLOCK channels. Those that are not taken are all zeros but for
 * `next`.
 */
struct hooked_channel *channel_pool_block(uint32_t index);

#endif
