/* SPDX-License-Identifier: BSD-3-Clause */
/* Whole numbers on the command line. Pure. */
#ifndef OFFLOAD_XDP_UTILS_NUMBER_H
#define OFFLOAD_XDP_UTILS_NUMBER_H

/**
 * Reads a number from `least` to `most`, which is all of `text`, without a sign.
 * `base` is that of strtoul(3). 0, or -EINVAL, which leaves *number as it was.
 */
int number_parse(const char *text, int base, unsigned long least, unsigned long most, unsigned long *number);

#endif
