/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef BENCH_TIMES_H
#define BENCH_TIMES_H

/*
 * Prints statistics of round trips in µs, in the order in which they were made,
 * as words that begin with `prefix`. Sorts the times; there is at least one.
 */
void times_report(const char *prefix, double *times, unsigned int count, unsigned int lost);

#endif
