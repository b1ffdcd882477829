/* SPDX-License-Identifier: BSD-3-Clause */
#include "channel/channel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "route/nexthop.h"
#include "table/maps.h"

static struct flow_style own_style;

void channel_start(const struct flow_style *style)
{
	own_style = *style;
}

static void describe_path(const struct built_flow *built, struct hop_path *path)
{
	memset(path, 0, sizeof(*path));
	path->at_family = (uint8_t)built->family;
	if (built->family == AF_INET6)
		memcpy(path->at.v6, built->key.v6.daddr, sizeof(path->at.v6));
	else
		path->at.v4 = built->key.v4.daddr;
	path->family = built->flow.flags & FLOW_V6 ? AF_INET6 : AF_INET;
	path->from = built->flow.saddr;
	path->to = built->flow.daddr;
}

/*
 * Puts a direction into the kernel. Its key and flow are built, except for the owner and for the slots of
 * other tables that the flow refers to.
 */
static int direction_open(struct channel_direction *direction, struct built_flow *built,
			  const struct channel_request *request, uint16_t owner)
{
	struct flow *flow = &built->flow;
	struct hop_path path;
	int error;

	describe_path(built, &path);
	error = nexthop_acquire(&path, &flow->hop);
	if (error)
		return error;
	flow->owner = (uint8_t)owner;
	/* IPv6 has no ID, and the flow label has the same place in the struct. */
	if (!(flow->flags & FLOW_V6))
		flow->id_first = (uint16_t)random();
	error = maps_flow_put(built->family, &built->key, flow, &direction->slot);
	if (error) {
		nexthop_release(flow->hop);
		return error;
	}
	/* No packet is relayed before the gate is opened. */
	__atomic_store_n(&maps_note(direction->slot)->session, request->session, __ATOMIC_RELAXED);
	direction->in_kernel = true;
	return 0;
}

static void direction_close(struct channel_direction *direction)
{
	if (direction->in_kernel)
		maps_flow_end(direction->slot);
	direction->in_kernel = false;
}

static void direction_free(const struct channel_direction *direction, const struct built_flow *built)
{
	nexthop_release(built->flow.hop);
	maps_flow_free(direction->slot);
}

static void begin_examples(struct channel *channel)
{
	uint32_t slot[DIRECTIONS], hop[DIRECTIONS];
	int family[DIRECTIONS];

	for (int i = 0; i < DIRECTIONS; i++) {
		slot[i] = channel->direction[i].slot;
		hop[i] = channel->built[i].flow.hop;
		family[i] = channel->built[i].family;
	}
	examples_begin(&channel->examples, slot, hop, family);
}

int channel_open(const struct channel_request *request, uint16_t owner, struct channel *channel)
{
	struct channel new = { .built = calloc(DIRECTIONS, sizeof(*new.built)) };
	int error;

	if (!new.built)
		return -ENOMEM;
	flow_build(request, &own_style, new.built);
	/*
	 * The direction to the client comes first: a peer's answer to the first packet that is relayed is
	 * then relayed as well.
	 */
	error = direction_open(&new.direction[TO_CLIENT], &new.built[TO_CLIENT], request, owner);
	if (error)
		goto failed;
	error = direction_open(&new.direction[TO_PEER], &new.built[TO_PEER], request, owner);
	if (error)
		goto undo;
	begin_examples(&new);
	*channel = new;
	return 0;
undo:
	direction_close(&new.direction[TO_CLIENT]);
	direction_free(&new.direction[TO_CLIENT], &new.built[TO_CLIENT]);
failed:
	free(new.built);
	return error;
}

void channel_close(struct channel *channel)
{
	direction_close(&channel->direction[TO_PEER]);
	direction_close(&channel->direction[TO_CLIENT]);
}

void channel_clear_df(struct channel *channel)
{
	struct channel_direction *direction = &channel->direction[TO_PEER];
	struct flow *flow = &channel->built[TO_PEER].flow;

	if (!direction->in_kernel || !(flow->flags & FLOW_DF))
		return;
	flow->flags &= (uint16_t)~FLOW_DF;
	flow_build_sum_ipv4(flow);
	maps_flow_replace(direction->slot, flow);
}

static bool is_open(const struct channel *channel)
{
	return channel->direction[TO_PEER].in_kernel;
}

void channel_relayed(struct channel *channel, unsigned int which, int error)
{
	if (is_open(channel))
		examples_relayed(&channel->examples, which, error);
}

enum refusal channel_look(struct channel *channel, bool second)
{
	return is_open(channel) ? examples_look(&channel->examples, second) : REFUSAL_NONE;
}

void channel_fetch(const struct channel *channel)
{
	for (int i = 0; i < DIRECTIONS; i++)
		maps_flow_fetch(channel->direction[i].slot);
	examples_fetch(&channel->examples);
}

static bool direction_moved(const struct channel_direction *direction)
{
	return maps_flow_usage(direction->slot) != direction->seen.usage;
}

bool channel_moved(const struct channel *channel)
{
	return direction_moved(&channel->direction[TO_PEER]) || direction_moved(&channel->direction[TO_CLIENT]);
}

void channel_fetch_rest(const struct channel *channel)
{
	maps_note_fetch(channel->direction[TO_PEER].slot);
}

/* Padding is cut off only from what clients send (RFC 8656, section 12.4). */
static void direction_read(struct channel_direction *direction, bool to_client, struct usage *since)
{
	uint32_t trimmed = to_client ? 0 : maps_flow_trimmed(direction->slot);
	struct flow_total before = direction->seen.total, *now = &direction->seen.total;

	maps_flow_read(direction->slot, &direction->seen);
	usage_of_flow(to_client, now->packets - before.packets, now->data - before.data,
		      (uint32_t)(trimmed - direction->trimmed), since);
	direction->trimmed = trimmed;
}

void channel_read(struct channel *channel, struct usage *to_peer, struct usage *to_client)
{
	direction_read(&channel->direction[TO_PEER], false, to_peer);
	direction_read(&channel->direction[TO_CLIENT], true, to_client);
}

void channel_free(struct channel *channel)
{
	if (!channel)
		return;
	for (int i = 0; i < DIRECTIONS; i++)
		direction_free(&channel->direction[i], &channel->built[i]);
	free(channel->built);
}
