/* SPDX-License-Identifier: BSD-3-Clause */
/* A screen of text on a plain terminal, by ANSI escape sequences (ECMA-48). */
#ifndef OFFLOAD_XDP_UTILS_TERMINAL_H
#define OFFLOAD_XDP_UTILS_TERMINAL_H

#include <stddef.h>

struct size {
	int rows, columns;
};

/** Takes the terminal: keys come at once, and are not shown. 0 or -errno. */
int terminal_open(void);

/** Gives it back as it was. */
void terminal_close(void);

/** 24 by 80 if it does not say. */
struct size terminal_size(void);

/** Shows lines from the top left, cut where the screen ends; line `heading` is set off. */
void terminal_show(const char *text, int heading);

/**
 * Waits for a key, for `seconds` at most. The key; 0: none; -EINTR: a signal that
 * ends the program; or another -errno.
 */
int terminal_wait(double seconds);

#endif
