/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef BENCH_LOSSLESS_H
#define BENCH_LOSSLESS_H

#include "sample.h"

/*
 * Looks for the highest rate at which at most LOSS_MAX of the datagrams are
 * lost, between nothing and what was offered between the samples `from` and `to`
 * at saturation. Prints lossless_pps=, lossless_lost= and lossless_trials=.
 * Returns 0 or 1.
 */
int lossless_report(struct generator *generator, const struct probes *probes, const struct sample *from,
		    const struct sample *to);

#endif
