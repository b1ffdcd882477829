// SPDX-License-Identifier: BSD-3-Clause
#include "sample.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

static double seconds_of(clockid_t clock)
{
	struct timespec now = {};

	clock_gettime(clock, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

/* The first line of /proc/stat: user nice system idle iowait irq softirq steal. */
static void machine_read(double *busy, double *softirq)
{
	unsigned long long value[8] = {}, sum = 0;
	double tick = 1.0 / sysconf(_SC_CLK_TCK);
	FILE *file = fopen("/proc/stat", "r");

	if (!file)
		return;
	if (fscanf(file, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", value, value + 1, value + 2,
		   value + 3, value + 4, value + 5, value + 6, value + 7) == 8)
		sum = value[0] + value[1] + value[2] + value[5] + value[6];
	fclose(file);
	*busy = sum * tick;
	*softirq = value[6] * tick;
}

int sample_read(const struct probes *probes, struct sample *sample)
{
	unsigned long long offered[WAYS];
	clockid_t relay;
	int error = 0;

	*sample = (struct sample){ .time = seconds_of(CLOCK_MONOTONIC) };
	generator_offered(probes->generator, offered);
	for (int way = 0; way < WAYS && !error; way++) {
		if (!probes->sink[way])
			continue;
		sample->offered += offered[way];
		error = sink_read(probes->sink[way], &sample->sink[way]);
		sample->received += sample->sink[way].packets;
	}
	if (!error && probes->verdicts >= 0)
		error = verdicts_read(probes->verdicts, sample->verdicts);
	/* By the scheduler's clock and not by ticks. */
	if (!error && probes->relay)
		error = -clock_getcpuclockid(probes->relay, &relay);
	if (!error && probes->relay)
		sample->relay = seconds_of(relay);
	machine_read(&sample->busy, &sample->softirq);
	return error;
}
