/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The messages of libbpf and libxdp, and those of the kernel's verifier, which libbpf prints. Only
 * what explains a failure is logged, unless the operator asks for everything (coturn's option Verbose).
 */
#ifndef OFFLOAD_BASE_LIBRARY_LOG_H
#define OFFLOAD_BASE_LIBRARY_LOG_H

#include <stdarg.h>
#include <stdbool.h>

/**
 * From now on receives what libbpf prints, and forgets what it has printed before. With `debug`
 * everything is also logged. Before other threads are made.
 */
void library_log_start(bool debug);

/** Forgets what was printed before. To be called before a load whose failure is to be explained. */
void library_log_forget(void);

/**
 * Receives one message of libbpf or libxdp, whose levels have the same numbers. Returns 0. Only one
 * thread at a time may call libbpf and libxdp, and so this.
 */
int library_log_print(int level, const char *format, va_list args);

/**
 * Returns the first warning since library_log_start or library_log_forget, because the first is the nearest to the
 * cause of a failure; "" if there was none. Valid until the next message.
 */
const char *library_log_warning(void);

/** Returns whether the last lines of what the verifier has printed since then have this text. */
bool library_log_verifier_said(const char *text);

/** Logs the last lines of what the verifier has printed since then, if it has printed anything. */
void library_log_verifier(void);

/** The same where a failure is no error of the server: only if the operator asks for everything. */
void library_log_verifier_debug(void);

#endif
