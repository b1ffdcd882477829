/* SPDX-License-Identifier: BSD-3-Clause */
/* The kernel's clocks, in one unit each. All are pure, for any thread. */
#ifndef OFFLOAD_BASE_CLOCK_H
#define OFFLOAD_BASE_CLOCK_H

#include <stdint.h>

/** CLOCK_MONOTONIC in nanoseconds. */
uint64_t clock_monotonic_ns(void);

/** CLOCK_MONOTONIC_COARSE in milliseconds: cheaper, and exact to a tick of the kernel. */
uint64_t clock_coarse_ms(void);

/** CLOCK_BOOTTIME in nanoseconds: it goes on while the host sleeps. */
uint64_t clock_boot_ns(void);

#endif
