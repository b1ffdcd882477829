/* SPDX-License-Identifier: BSD-3-Clause */
/* The CPUs of this machine. */
#ifndef OFFLOAD_BASE_CPUS_H
#define OFFLOAD_BASE_CPUS_H

#include <stdint.h>

/** Returns the highest number of a CPU that is online, and one; 0 if the kernel does not say. Any thread. */
uint32_t cpus_online(void);

#endif
