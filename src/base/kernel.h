/* SPDX-License-Identifier: BSD-3-Clause */
/* The kernel of this machine. */
#ifndef OFFLOAD_BASE_KERNEL_H
#define OFFLOAD_BASE_KERNEL_H

#include <stdint.h>

/**
 * Returns the version of the kernel that runs: KERNEL_VERSION of linux/version.h, without the third number. 0 if its name
 * ("6.1.0-30-amd64") is not of this form. Any thread.
 */
uint32_t kernel_version(void);

#endif
