// SPDX-License-Identifier: BSD-3-Clause
/*
 * Throughput as in RFC 2544, section 26.1: trials at a steady rate, each ended by
 * a pause in which what is under way arrives, so that nothing is counted twice
 * or missed; a binary search for the rate; and the rate found is held for longer.
 */
#include "lossless.h"

#include <stdio.h>
#include <unistd.h>

#define LOSS_MAX 0.001
#define TRIALS 8
#define TRIAL_SECONDS 0.2
#define HOLD_SECONDS 0.5
/* A virtual machine that is not run for some milliseconds loses datagrams: once is not yet a limit. */
#define ATTEMPTS 2
#define PAUSE_SECONDS 0.03
/* A generator that cannot offer the rate has not shown that it is carried. */
#define OFFERED_MIN 0.97
/* Lower, if the rate found does not hold. */
#define STEP_DOWN 0.95
#define STEPS_DOWN 10

struct trial {
	double rate, lost; /* datagrams per second that arrived; share of the offered ones */
	int reached;
};

static int trials;

static void rest(double seconds)
{
	usleep((useconds_t)(seconds * 1e6));
}

static int try_once(struct generator *generator, const struct probes *probes, double rate, double seconds,
		    struct trial *trial)
{
	struct sample from, to;
	double offered, received, window;
	int error;

	trials++;
	error = sample_read(probes, &from);
	if (error)
		return error;
	generator_rate(generator, rate);
	rest(seconds);
	generator_rate(generator, GENERATOR_NONE);
	error = sample_read(probes, &to);
	window = to.time - from.time;
	rest(PAUSE_SECONDS);
	if (!error)
		error = sample_read(probes, &to);
	offered = to.offered - from.offered;
	received = to.received - from.received;
	trial->rate = received / window;
	trial->lost = received < offered ? 1 - received / offered : 0;
	trial->reached = offered >= OFFERED_MIN * rate * window && trial->lost <= LOSS_MAX;
	return error;
}

static int try_rate(struct generator *generator, const struct probes *probes, double rate, double seconds,
		    struct trial *trial)
{
	int error = 0;

	trial->reached = 0;
	for (int i = 0; i < ATTEMPTS && !error && !trial->reached; i++)
		error = try_once(generator, probes, rate, seconds, trial);
	return error;
}

static int fail(int error)
{
	fprintf(stderr, "throughput: lossless rate: error %d\n", error);
	return 1;
}

int lossless_report(struct generator *generator, const struct probes *probes, const struct sample *from,
		    const struct sample *to)
{
	double seconds = to->time - from->time;
	double offered = (to->offered - from->offered) / seconds;
	double arrived = (to->received - from->received) / seconds;
	/* Overload makes some slower than they need be, so there may be more than that. */
	double low = 0, high = offered < 4 * arrived ? offered : 4 * arrived;
	struct trial trial = { .rate = arrived, .lost = offered > arrived ? 1 - arrived / offered : 0 };
	int error = 0;

	/* The generator is the limit: it works on the CPU that does all the rest. */
	if (trial.lost <= LOSS_MAX) {
		printf("lossless_pps=%.0f lossless_lost=%.5f lossless_trials=0\n", trial.rate, trial.lost);
		return 0;
	}
	generator_rate(generator, GENERATOR_NONE);
	rest(2 * PAUSE_SECONDS);
	for (int i = 0; i < TRIALS && !error; i++) {
		double rate = (low + high) / 2;

		error = try_rate(generator, probes, rate, TRIAL_SECONDS, &trial);
		if (trial.reached)
			low = rate;
		else
			high = rate;
	}
	trial.reached = 0;
	for (int i = 0; i < STEPS_DOWN && !error && !trial.reached && low > 0; i++, low *= STEP_DOWN)
		error = try_rate(generator, probes, low, HOLD_SECONDS, &trial);
	if (error)
		return fail(error);
	printf("lossless_pps=%.0f lossless_lost=%.5f lossless_trials=%d\n", trial.reached ? trial.rate : 0,
	       trial.lost, trials);
	return 0;
}
