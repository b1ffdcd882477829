/* SPDX-License-Identifier: BSD-3-Clause */
#include "coturn/session_log.h"

#include <stdbool.h>
#include <stdint.h>

#include "mainrelay.h"
#include "ns_turn_maps.h"

#include "base/log.h"

enum {
	SAID_KERNEL = 1,
	SAID_USERSPACE = 2,
};

/* What was logged of each session of this relay thread, by its number: coturn has no room for it in a session. */
static _Thread_local ur_map *said;

/* Returns whether `what` is logged of the session for the first time. */
static bool is_first(const ts_ur_super_session *ss, uintptr_t what)
{
	ur_map_value_type value = 0;
	uintptr_t before;

	if (turn_params.verbose == TURN_VERBOSE_NONE)
		return false;
	if (!said)
		said = ur_map_create();
	if (!said || (ur_map_get(said, ss->id, &value) && ((uintptr_t)value & what)))
		return false;
	before = (uintptr_t)value;
	ur_map_put(said, ss->id, (ur_map_value_type)(before | what));
	return true;
}

void session_log_kernel(const ts_ur_super_session *ss)
{
	if (is_first(ss, SAID_KERNEL))
		log_line(LOG_LEVEL_INFO, "session %018llu: a channel is in the kernel", (unsigned long long)ss->id);
}

void session_log_userspace(const ts_ur_super_session *ss, const char *why)
{
	if (is_first(ss, SAID_USERSPACE))
		log_line(LOG_LEVEL_INFO, "session %018llu: a channel stays in userspace: %s", (unsigned long long)ss->id, why);
}

void session_log_forget(const ts_ur_super_session *ss)
{
	if (said)
		ur_map_del(said, ss->id, NULL);
}
