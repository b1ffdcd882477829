/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the server tells inspectors such as turnutils_xdp about itself: struct status of
 * abi.h, in memory that they can read. While there is no such memory, all functions here but
 * status_open do nothing.
 */
#ifndef OFFLOAD_TABLE_STATUS_H
#define OFFLOAD_TABLE_STATUS_H

#include <stdbool.h>
#include <stdint.h>

#include "abi.h"

/** Takes the memory that is shared with inspectors; NULL: there is none. Before other threads are made. */
void status_open(struct status *shared);

/** Forgets the memory, whose content stays. No other thread may use it any more. */
void status_close(void);

/**
 * Announces that this process now owns the tables. `channels` is how many channels they can
 * hold, `mode` the value of xdp-mode (enum option_mode). Before other threads are made.
 */
void status_begin(unsigned int channels, unsigned int mode);

/**
 * Replaces what is said about interface number `slot`. Does nothing if `slot` is not below
 * ABI_ATTACHMENTS. Slots are used from 0 on, without gaps. Only one thread may call it.
 */
void status_interface_put(unsigned int slot, const struct status_interface *interface);

/** Replaces what is said about the host. Only the thread that calls status_interface_put may call it. */
void status_host_put(const struct status_host *host);

/** Says that there are so many interfaces, and no more. Only the same thread may call it. */
void status_interfaces_end(unsigned int count);

/** Says by which interface frames come to the program that it does not know; 0: none. Only the same thread may call it. */
void status_stray_put(uint32_t ifindex);

/** Says which addresses of the server no interface has, in text. Only the same thread may call it. */
void status_waiting_put(const char *waiting);

/** Says whether IPsec policies block the offload. Only one thread may call it. */
void status_blocked_put(bool blocked);

/** Says from when on the monitor thread counts as silent (clock_monotonic_ns). Only one thread may call it. */
void status_monitor_put(uint64_t deadline);

/** Adds the bytes of UDP payload that were received and sent for channels since the last call. Any thread. */
void status_count_total(uint64_t bytes_in, uint64_t bytes_out);

/** Adds packets of data that coturn has sent itself since the last call. Any thread. */
void status_count_userspace(uint64_t packets);

/** Counts that events of the kernel were lost, because a netlink socket overran. Any thread. */
void status_count_overrun(void);

/** Counts a channel that stays in userspace for a reason (enum refusal of eligibility.h). Any thread. */
void status_count_refusal(unsigned int refusal);

/**
 * Counts a channel that should be relayed in the kernel and is not: `error` is -ENOSPC if the
 * tables are full, or another -errno. Any thread.
 */
void status_count_failure(int error);

#endif
