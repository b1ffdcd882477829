/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef OFFLOAD_BASE_LOG_H
#define OFFLOAD_BASE_LOG_H

enum log_level { LOG_LEVEL_INFO, LOG_LEVEL_WARNING, LOG_LEVEL_ERROR };

/** Where lines go; `line` has no newline at its end. Called from any thread. */
typedef void (*log_sink)(enum log_level level, const char *line);

/** Sends lines to `sink` from now on; NULL: to standard error. */
void log_to(log_sink sink);

/** Writes one line, prefixed with "xdp: ". Any thread. Never on a packet's path. */
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
