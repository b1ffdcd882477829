/* SPDX-License-Identifier: BSD-3-Clause */
#include "coturn/share.h"

#include <errno.h>
#include <stdlib.h>

#include "offload.h"

struct share {
	unsigned int channels;
	uint32_t session; /* its number; 0 until it has one */
};

/* The room of the tables, and how much of it the channels of all sessions have. */
static unsigned int room, taken;

void share_start(unsigned int channels)
{
	room = channels;
}

int share_take(struct share **share)
{
	unsigned int own = *share ? (*share)->channels : 0;
	unsigned int others = __atomic_load_n(&taken, __ATOMIC_RELAXED);
	unsigned int left = others < room ? room - others : 0;

	/* Whether there is room at all is for the tables to say. */
	if (own >= SHARE_ALWAYS && own >= left)
		return -EDQUOT;
	if (!*share)
		*share = calloc(1, sizeof(**share));
	if (!*share)
		return -ENOMEM;
	(*share)->channels++;
	__atomic_add_fetch(&taken, 1, __ATOMIC_RELAXED);
	return 0;
}

int share_name(struct share *share, const struct session_entry *session)
{
	return offload_session_take(session, &share->session);
}

uint32_t share_session(const struct share *share)
{
	return share->session;
}

void share_give(struct share *share)
{
	if (!share)
		return;
	__atomic_sub_fetch(&taken, 1, __ATOMIC_RELAXED);
	if (--share->channels)
		return;
	offload_session_give(share->session);
	free(share);
}
