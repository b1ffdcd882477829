/* SPDX-License-Identifier: BSD-3-Clause */
#include "coturn/refusal.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/log.h"
#include "coturn/session_log.h"
#include "offload.h"

/* Logs each reason only once, because a busy server would otherwise log the same line all day. */
void refusal_log(const ts_ur_super_session *ss, enum refusal refusal)
{
	static bool said[REFUSAL_COUNT];

	offload_count_refusal(refusal);
	session_log_userspace(ss, eligibility_refusal_text(refusal));
	if (!__atomic_exchange_n(&said[refusal], true, __ATOMIC_RELAXED))
		log_line(LOG_LEVEL_INFO, "channels stay in userspace where %s (logged once)",
			 eligibility_refusal_text(refusal));
}

static const char *failure_text(int error)
{
	if (error == -ENOSPC)
		return "the kernel's tables have no room";
	if (error == -EUSERS)
		return "too many relay threads have channels";
	if (error == -EADDRNOTAVAIL)
		return "the server has too many IPv6 addresses";
	return strerror(-error);
}

void refusal_log_failure(const ts_ur_super_session *ss, int error)
{
	static bool said_full, said_threads, said_addresses, said_other;

	offload_count_failure(error);
	session_log_userspace(ss, failure_text(error));
	if (error == -ENOSPC) {
		if (!__atomic_exchange_n(&said_full, true, __ATOMIC_RELAXED))
			log_line(LOG_LEVEL_WARNING, "the kernel's tables are full: further channels are relayed in userspace; "
						    "raise xdp-max-channels (logged once)");
	} else if (error == -EUSERS) {
		if (!__atomic_exchange_n(&said_threads, true, __ATOMIC_RELAXED))
			log_line(LOG_LEVEL_WARNING,
				 "more than %d relay threads have channels: channels of the further threads are relayed in "
				 "userspace; start the server with fewer relay-threads (logged once)",
				 ABI_OWNERS);
	} else if (error == -EADDRNOTAVAIL) {
		if (!__atomic_exchange_n(&said_addresses, true, __ATOMIC_RELAXED))
			log_line(LOG_LEVEL_WARNING,
				 "this server has more than %d IPv6 addresses in use: channels over the further ones are relayed in "
				 "userspace; give them to another server (logged once)",
				 ABI_OWN6);
	} else if (!__atomic_exchange_n(&said_other, true, __ATOMIC_RELAXED)) {
		log_line(LOG_LEVEL_ERROR,
			 "a channel stays in userspace, because the kernel cannot take it: %s; turnutils_xdp counts "
			 "further ones (logged once)",
			 strerror(-error));
	}
}
