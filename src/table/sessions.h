/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The slots of the table of limits (struct limit of abi.h). Each session that max-bps limits
 * and that has channels in the kernel holds one.
 */
#ifndef OFFLOAD_TABLE_LIMITS_H
#define OFFLOAD_TABLE_LIMITS_H

#include <stdint.h>

#include "abi.h"

/** Makes the table's `slots` slots free. Returns 0 or -ENOMEM. After maps_open, before other threads are made. */
int limits_open(uint32_t slots);

/** Frees what limits_open has allocated. No session may hold a slot any more. */
void limits_close(void);

/**
 * Takes a free slot: its index, which goes into flows, and its memory, which the XDP program
 * shares. The memory still has what the slot's last session left. Returns 0 or -ENOSPC. Any
 * thread.
 */
int limits_take(uint32_t *slot, struct limit **limit);

/** Gives a slot back, to which no flow refers any more. Any thread. */
void limits_give(uint32_t slot);

#endif
