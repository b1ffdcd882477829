/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

static log_sink sink;

void log_to(log_sink new_sink)
{
	sink = new_sink;
}

void log_line(enum log_level level, const char *format, ...)
{
	char line[1024] = "xdp: ";
	size_t used = sizeof("xdp: ") - 1;
	va_list args;

	va_start(args, format);
	vsnprintf(line + used, sizeof(line) - used, format, args);
	va_end(args);
	if (sink)
		sink(level, line);
	else
		fprintf(stderr, "%s\n", line);
}
