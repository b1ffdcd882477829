/* SPDX-License-Identifier: BSD-3-Clause */
/* A screen of text on a plain terminal, by ANSI escape sequences (ECMA-48). */
#ifndef OFFLOAD_XDP_UTILS_TERMINAL_H
#define OFFLOAD_XDP_UTILS_TERMINAL_H

#include <stddef.h>

struct size {
	int rows, columns;
};

/** Takes over the terminal: keys are read at once, and not shown. 0 or -errno. */
int terminal_open(void);

/** Sets the terminal to what it was before. */
void terminal_close(void);

/** The size of the terminal; 24 rows of 80 columns if it does not tell. */
struct size terminal_size(void);

/** Shows lines from the top left, cut at the edges of the screen. The line `heading` is shown in reverse. */
void terminal_show(const char *text, int heading);

/**
 * Waits for a key, for `seconds` at most. The key; 0 if there was none; -EINTR if a
 * signal is to end the program; or another -errno.
 */
int terminal_wait(double seconds);

#endif
