/* SPDX-License-Identifier: BSD-3-Clause */
/* The offload of a build without XDP (configure --without-xdp). */
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "offload.h"

bool offload_is_built(void)
{
	return false;
}

int offload_start(const struct settings *settings, const char *const *addresses, unsigned int count,
		  int client_ttl_fixed)
{
	(void)settings, (void)addresses, (void)count, (void)client_ttl_fixed;
	log_line(LOG_LEVEL_ERROR, "this turnserver was built without XDP (configure --without-xdp)");
	return -EOPNOTSUPP;
}

void offload_privileges_dropped(void)
{
}

void offload_beat(uint16_t owner)
{
	(void)owner;
}

void offload_count_refusal(enum refusal refusal)
{
	(void)refusal;
}

void offload_count_failure(int error)
{
	(void)error;
}

int offload_channel_open(const struct channel_request *request, uint16_t owner, struct channel *channel)
{
	(void)request, (void)owner, (void)channel;
	return -EOPNOTSUPP;
}

int offload_session_take(const struct session_entry *session, uint32_t *number)
{
	(void)session, (void)number;
	return -EOPNOTSUPP;
}

void offload_session_give(uint32_t number)
{
	(void)number;
}

struct limit *offload_session_limit(uint32_t number)
{
	(void)number;
	return NULL;
}

void offload_count_relayed(uint64_t bytes_in, uint64_t bytes_out)
{
	(void)bytes_in, (void)bytes_out;
}

void offload_count_userspace(uint64_t packets)
{
	(void)packets;
}

void offload_channel_close(struct channel *channel)
{
	(void)channel;
}

void offload_channel_clear_df(struct channel *channel)
{
	(void)channel;
}

void offload_channel_fetch(const struct channel *channel)
{
	(void)channel;
}

bool offload_channel_moved(const struct channel *channel)
{
	(void)channel;
	return false;
}

void offload_channel_fetch_rest(const struct channel *channel)
{
	(void)channel;
}

void offload_channel_read(struct channel *channel, struct usage *to_peer, struct usage *to_client)
{
	(void)channel;
	memset(to_peer, 0, sizeof(*to_peer));
	memset(to_client, 0, sizeof(*to_client));
}

bool offload_wants_examples(void)
{
	return false;
}

int offload_host_listen(void)
{
	return -ENOSYS;
}

void offload_channel_relayed(struct channel *channel, bool to_client, int error)
{
	(void)channel, (void)to_client, (void)error;
}

enum refusal offload_channel_look(struct channel *channel, bool second)
{
	(void)channel, (void)second;
	return REFUSAL_NONE;
}

bool offload_is_crowded(void)
{
	return false;
}

void offload_channel_free(struct channel *channel)
{
	(void)channel;
}
