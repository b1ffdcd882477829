/* SPDX-License-Identifier: BSD-3-Clause */
/* The slots of the table of limits, one for each session that max-bps limits. */
#ifndef OFFLOAD_TABLE_LIMITS_H
#define OFFLOAD_TABLE_LIMITS_H

#include <stdint.h>

#include "abi.h"

/** Makes so many slots free to be taken. 0 or -ENOMEM. Before other threads use them. */
int limits_open(uint32_t slots);

/** Forgets all slots; nobody may hold one. */
void limits_close(void);

/** Takes a free slot, and its memory, which is shared with the program. 0 or -ENOSPC. Any thread. */
int limits_take(uint32_t *slot, struct limit **limit);

/** Gives a slot back; no flow may refer to it any more. Any thread. */
void limits_give(uint32_t slot);

#endif
