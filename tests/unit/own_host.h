/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A host of a test's own: a network namespace for each case, and commands such as nft(8) that
 * put there what is to be found. Include it first, because it needs _GNU_SOURCE.
 */
#ifndef OWN_HOST_H
#define OWN_HOST_H

#include "network_namespace.h"
#include "unit.h"

#include <stdbool.h>
#include <string.h>

#include "host/survey.h"

/* Runs a command of the shell. Returns whether it has succeeded. */
static inline bool run(const char *command)
{
	return !system(command);
}

/* Skips the case, and says why, if what it needs is not here. */
static inline void need(const char *what, bool is_there)
{
	if (is_there)
		return;
	print_message("SKIP: %s\n", what);
	skip();
}

static inline void need_root(void)
{
	need("it takes root", !geteuid());
}

/* Moves root to a new host, of which nothing is known yet. 0, or -1 if that is not possible. */
static inline int own_host_enter(void)
{
	survey_forget();
	return !geteuid() && network_namespace_enter() ? -1 : 0;
}

/* Fails if two texts differ, and names the entry of the test's table. */
static inline void check_text(const char *entry, const char *text, const char *wanted)
{
	if (strcmp(text, wanted))
		fail_msg("%s: it is \"%s\", and not \"%s\"", entry, text, wanted);
}

#endif
