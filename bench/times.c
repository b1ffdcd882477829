// SPDX-License-Identifier: BSD-3-Clause
#include "times.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

void times_report(const char *prefix, double *times, unsigned int count, unsigned int lost)
{
	double sum = 0, squares = 0, jitter = 0, jitter_sum = 0, average;

	for (unsigned int i = 0; i < count; i++)
		sum += times[i];
	average = sum / count;
	for (unsigned int i = 0; i < count; i++)
		squares += (times[i] - average) * (times[i] - average);
	/* RFC 3550, section 6.4.1, with round trips as the transit times; its mean. */
	for (unsigned int i = 1; i < count; i++) {
		jitter += (fabs(times[i] - times[i - 1]) - jitter) / 16;
		jitter_sum += jitter;
	}
	qsort(times, count, sizeof(*times), compare);
	printf("%s_avg=%.3f %s_sd=%.3f %s_p50=%.3f", prefix, average, prefix, sqrt(squares / count), prefix,
	       times[count / 2]);
	printf(" %s_p99=%.3f %s_p999=%.3f %s_jitter=%.3f", prefix, times[count * 99ull / 100], prefix,
	       times[count * 999ull / 1000], prefix, jitter_sum / count);
	printf(" %s_count=%u %s_lost=%u", prefix, count, prefix, lost);
}
