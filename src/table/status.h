/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the server says of itself to inspectors such as turnutils_xdp: struct status
 * of abi.h, in memory that they can read. Without that memory all of this does nothing.
 */
#ifndef OFFLOAD_TABLE_STATUS_H
#define OFFLOAD_TABLE_STATUS_H

#include <stdbool.h>
#include <stdint.h>

#include "abi.h"

/** Takes the memory that is shared with inspectors; NULL: there is none. Before other threads are made. */
void status_open(struct status *shared);

/** Lets go of it. */
void status_close(void);

/**
 * Says that this process has the tables, from now on: `channels` of room, and the mode
 * that was asked for (enum option_mode).
 */
void status_begin(unsigned int channels, unsigned int mode);

/** Replaces what is said of an interface. Slots are used from the first one on. One thread. */
void status_interface_put(unsigned int slot, const struct status_interface *interface);

/** Says whether IPsec policies block the offload. One thread. */
void status_blocked_put(bool blocked);

/** Adds what was relayed since the last call, in bytes of UDP payload. Any thread. */
void status_count_total(uint64_t bytes_in, uint64_t bytes_out);

/** Counts that events of the kernel were lost. Any thread. */
void status_count_overrun(void);

/** Counts a channel that stays in userspace for a reason (enum refusal). Any thread. */
void status_count_refusal(unsigned int refusal);

/** Counts a channel that the kernel did not take: -ENOSPC, for want of room, or another error. Any thread. */
void status_count_failure(int error);

#endif
