/* SPDX-License-Identifier: BSD-3-Clause */
#include "metric.h"

#include <ctype.h>
#include <inttypes.h>

void metric_head(FILE *out, const struct metric *metric)
{
	fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", metric->name, metric->help, metric->name, metric->type);
}

void metric_begin(FILE *out, const struct metric *metric, const struct server *server)
{
	fprintf(out, "%s{pid=\"%u\"", metric->name, server->pid);
	/* In PID namespaces of their own, several servers can have the same ID, and no series may be there twice. */
	if (!server->seen)
		fprintf(out, ",program_id=\"%u\"", server->program);
}

void metric_label(FILE *out, const char *label, const char *value)
{
	fprintf(out, ",%s=\"", label);
	for (; *value; value++) {
		if (*value == '\\' || *value == '"')
			fprintf(out, "\\%c", *value);
		else if (isprint((unsigned char)*value))
			fputc(*value, out);
		else
			fputc('?', out);
	}
	fputc('"', out);
}

void metric_end(FILE *out, uint64_t value)
{
	fprintf(out, "} %" PRIu64 "\n", value);
}

void metric_put(FILE *out, const struct metric *metric, const struct server *server, uint64_t value)
{
	metric_begin(out, metric, server);
	metric_end(out, value);
}

void metric_put_labelled(FILE *out, const struct metric *metric, const struct server *server, const char *label,
			 const char *text, uint64_t value)
{
	metric_begin(out, metric, server);
	metric_label(out, label, text);
	metric_end(out, value);
}
