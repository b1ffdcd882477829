/* SPDX-License-Identifier: BSD-3-Clause */
/* All that is read at both ends of a measurement's window. */
#ifndef BENCH_SAMPLE_H
#define BENCH_SAMPLE_H

#include <sys/types.h>

#include "generator.h"
#include "sink.h"
#include "verdicts.h"

/* Where it is read. */
struct probes {
	const struct generator *generator;
	const struct sink *sink[WAYS]; /* NULL: nothing goes there */
	int verdicts;                  /* of verdicts_open(), or -1 */
	pid_t relay;                   /* 0: none */
};

struct sample {
	double time;          /* seconds */
	double relay;         /* CPU seconds of all threads of the relay process */
	double busy, softirq; /* CPU seconds of the machine */
	unsigned long long offered, received;
	unsigned long long verdicts[VERDICT_SLOTS];
	struct sink_count sink[WAYS];
};

/* Returns 0 or -errno. */
int sample_read(const struct probes *probes, struct sample *sample);

#endif
