/* SPDX-License-Identifier: BSD-3-Clause */
#include "terminal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define HOME "\033[H"
#define CLEAR_LINE "\033[K"
#define CLEAR_BELOW "\033[J"
#define REVERSE "\033[7m"
#define PLAIN "\033[0m"
#define OTHER_SCREEN "\033[?1049h\033[?25l"
#define OWN_SCREEN "\033[?25h\033[?1049l"

static struct {
	struct termios before;
	sigset_t signals; /* the mask as it was: signals arrive only in terminal_wait() */
	volatile sig_atomic_t ended;
} terminal;

static void end(int number)
{
	(void)number;
	terminal.ended = 1;
}

/* The signal only interrupts the waiting, so that the new size is used at once. */
static void resize(int number)
{
	(void)number;
}

static void handle_signals(void)
{
	static const int ends[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	struct sigaction ending = { .sa_handler = end }, resized = { .sa_handler = resize };
	sigset_t held;

	sigemptyset(&held);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		sigaction(ends[i], &ending, NULL);
		sigaddset(&held, ends[i]);
	}
	sigaction(SIGWINCH, &resized, NULL);
	sigaddset(&held, SIGWINCH);
	sigprocmask(SIG_BLOCK, &held, &terminal.signals);
}

int terminal_open(void)
{
	struct termios now;

	if (!isatty(STDOUT_FILENO) || tcgetattr(STDIN_FILENO, &terminal.before))
		return -ENOTTY;
	handle_signals();
	now = terminal.before;
	now.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	now.c_cc[VMIN] = 1;
	now.c_cc[VTIME] = 0;
	if (tcsetattr(STDIN_FILENO, TCSANOW, &now))
		return -errno;
	fputs(OTHER_SCREEN, stdout);
	return 0;
}

void terminal_close(void)
{
	fputs(OWN_SCREEN, stdout);
	fflush(stdout);
	tcsetattr(STDIN_FILENO, TCSANOW, &terminal.before);
	sigprocmask(SIG_SETMASK, &terminal.signals, NULL);
}

struct size terminal_size(void)
{
	struct winsize window = { 0 };

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) || !window.ws_row || !window.ws_col)
		return (struct size){ 24, 80 };
	return (struct size){ window.ws_row, window.ws_col };
}

void terminal_show(const char *text, int heading)
{
	struct size size = terminal_size();

	fputs(HOME, stdout);
	for (int row = 0; *text && row < size.rows; row++) {
		int length = (int)strcspn(text, "\n");
		int shown = length < size.columns ? length : size.columns;

		if (row)
			fputs("\r\n", stdout);
		/* Cleared before the text: after it, in the last column, it would take the last character. */
		fputs(CLEAR_LINE, stdout);
		if (row == heading)
			printf(REVERSE "%-*.*s" PLAIN, size.columns, shown, text);
		else
			printf("%.*s", shown, text);
		text += length + (text[length] == '\n');
	}
	fputs(CLEAR_BELOW, stdout);
	fflush(stdout);
}

int terminal_wait(double seconds)
{
	struct timespec time = {
		.tv_sec = (time_t)seconds,
		.tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9),
	};
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
	unsigned char key;
	int ready = ppoll(&input, 1, &time, &terminal.signals);

	if (terminal.ended)
		return -EINTR;
	if (ready <= 0)
		return ready && errno != EINTR ? -errno : 0;
	return read(STDIN_FILENO, &key, 1) == 1 ? key : -EIO;
}
