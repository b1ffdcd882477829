/* SPDX-License-Identifier: BSD-3-Clause */
/* One metric in Prometheus' text format, version 0.0.4. Pure. */
#ifndef OFFLOAD_XDP_UTILS_METRIC_H
#define OFFLOAD_XDP_UTILS_METRIC_H

#include <stdint.h>
#include <stdio.h>

#include "snapshot.h"

struct metric {
	const char *name, *type, *help;
	/** Writes the series that one server has of it. */
	void (*write)(FILE *out, const struct metric *metric, const struct snapshot *snapshot);
};

/** Writes the lines that come before the series: the help and the type. */
void metric_head(FILE *out, const struct metric *metric);

/** Begins a series, with the label `pid`. Other labels may follow, and then a value. */
void metric_begin(FILE *out, const struct metric *metric, const struct server *server);

/** Writes a label. What is not printable ASCII in its value becomes a question mark. */
void metric_label(FILE *out, const char *label, const char *value);

/** Ends a series with its value. */
void metric_end(FILE *out, uint64_t value);

/** Writes a whole series that has the label `pid` only. */
void metric_put(FILE *out, const struct metric *metric, const struct server *server, uint64_t value);

/** Writes a whole series that has one label more. */
void metric_put_labelled(FILE *out, const struct metric *metric, const struct server *server, const char *label,
			 const char *text, uint64_t value);

#endif
