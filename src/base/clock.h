/* SPDX-License-Identifier: BSD-3-Clause */
/* The kernel's clocks (clock_gettime(2)). All functions are for any thread and cannot fail. */
#ifndef OFFLOAD_BASE_CLOCK_H
#define OFFLOAD_BASE_CLOCK_H

#include <stdint.h>

/** Returns CLOCK_MONOTONIC in nanoseconds. */
uint64_t clock_monotonic_ns(void);

/**
 * Returns CLOCK_MONOTONIC_COARSE in milliseconds. It is cheaper to read than the other
 * clocks, and only exact to a tick of the kernel (1 to 10 ms).
 */
uint64_t clock_coarse_ms(void);

/** Returns CLOCK_BOOTTIME in nanoseconds, which goes on while the host is suspended. */
uint64_t clock_boot_ns(void);

#endif
