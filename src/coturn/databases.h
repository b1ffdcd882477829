/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Databases that turnserver.conf names and this build of coturn lacks. coturn calls a line with such an option badly
 * formatted, and answers from another database. On the main thread, while options are read.
 */
#ifndef OFFLOAD_COTURN_DATABASES_H
#define OFFLOAD_COTURN_DATABASES_H

#include <getopt.h>

/** Takes note of coturn's table of long options, which has the options of the databases in this build only. */
void databases_note_table(const struct option *longs);

/** Takes note of a line of turnserver.conf that is not one of our options. */
void databases_note_line(const char *line);

/** Logs one line for each option whose database this build lacks. When all options have been read. */
void databases_log_missing(void);

#endif
