/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What libbpf and libxdp print, and what the kernel's verifier says through libbpf. Only
 * what explains a failure goes to the log, unless the operator asks for all of it.
 */
#ifndef OFFLOAD_BASE_LIBRARY_LOG_H
#define OFFLOAD_BASE_LIBRARY_LOG_H

#include <stdarg.h>
#include <stdbool.h>

/**
 * Takes over what libbpf prints, and forgets what it has printed before. With `debug` all
 * of it also goes to the log. Before other threads are made.
 */
void library_log_start(bool debug);

/**
 * Takes a message of a library: `level` is libbpf's or libxdp's number, which are the
 * same. Always returns 0. Any thread.
 */
int library_log_print(int level, const char *format, va_list args);

/**
 * The first warning since library_log_start, which is the nearest to the cause of a
 * failure; "" if there was none.
 */
const char *library_log_warning(void);

/** Writes the last lines of what the verifier has said to the log; nothing if it said nothing. */
void library_log_verifier(void);

#endif
