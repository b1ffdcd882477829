/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The egresses of the XDP program (struct egress of abi.h), and how many next hops use each of them.
 * An egress in use never changes.
 */
#ifndef OFFLOAD_TABLE_EGRESS_H
#define OFFLOAD_TABLE_EGRESS_H

#include <stdint.h>

#include "abi.h"

/** Takes over ABI_EGRESSES egresses, none of which is in use, in memory that is shared with the XDP program. */
void egress_open(struct egress *shared);

/**
 * Finds the egress of a next hop, or writes it, and counts one more use of it. Returns 0 and its index, or
 * -ENOSPC if all egresses are others and in use. Any thread, but only one at a time.
 */
int egress_take(const struct hop *hop, uint16_t *index);

/**
 * Gives back one use of an egress. No entry of the next hops with this use may be known any more, because the
 * egress may be written next. As egress_take.
 */
void egress_give(uint16_t index);

#endif
