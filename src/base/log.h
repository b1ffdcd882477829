/* SPDX-License-Identifier: BSD-3-Clause */
/* The log lines of the offload. */
#ifndef OFFLOAD_BASE_LOG_H
#define OFFLOAD_BASE_LOG_H

enum log_level {
	LOG_LEVEL_INFO,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_ERROR,
};

/** Receives one line, which has no newline at its end. It is called from any thread. */
typedef void (*log_sink)(enum log_level level, const char *line);

/**
 * Sends all later lines to `new_sink`; NULL sends them to standard error. To be called before
 * other threads are made.
 */
void log_to(log_sink new_sink);

/**
 * Writes one line, with "xdp: " before it, and cuts it after 1023 characters. Any thread.
 * It may block on a file or terminal, so it is not called for each packet.
 */
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
