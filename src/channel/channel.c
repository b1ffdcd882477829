/* SPDX-License-Identifier: BSD-3-Clause */
#include "channel/channel.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "channel/examples.h"
#include "route/nexthop.h"
#include "table/maps.h"

/* One direction of a channel. */
struct direction {
	struct built_flow built;
	uint32_t slot;          /* of the table of flows */
	struct flow_count seen; /* what was read last */
	bool in_kernel;
};

struct channel {
	struct direction direction[DIRECTIONS];
	struct examples examples;
};

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
static int direction_open(struct direction *direction, const struct channel_request *request, uint16_t owner)
{
	struct flow *flow = &direction->built.flow;
	struct hop_path path;
	int error;

	describe_path(&direction->built, &path);
	error = nexthop_acquire(&path, &flow->hop);
	if (error)
		return error;
	flow->owner = (uint8_t)owner;
	/* IPv6 has no ID, and the flow label has the same place in the struct. */
	if (!(flow->flags & FLOW_V6))
		flow->id_first = (uint16_t)random();
	error = maps_flow_put(direction->built.family, &direction->built.key, flow, &direction->slot);
	if (error) {
		nexthop_release(flow->hop);
		return error;
	}
	/* No packet is relayed before the gate is opened. */
	__atomic_store_n(&maps_note(direction->slot)->session, request->session, __ATOMIC_RELAXED);
	direction->in_kernel = true;
	return 0;
}

static void direction_close(struct direction *direction)
{
	if (direction->in_kernel)
		maps_flow_end(direction->slot);
	direction->in_kernel = false;
}

static void direction_free(struct direction *direction)
{
	nexthop_release(direction->built.flow.hop);
	maps_flow_free(direction->slot);
}

static void begin_examples(struct channel *channel)
{
	uint32_t slot[DIRECTIONS], hop[DIRECTIONS];
	int family[DIRECTIONS];

	for (int i = 0; i < DIRECTIONS; i++) {
		slot[i] = channel->direction[i].slot;
		hop[i] = channel->direction[i].built.flow.hop;
		family[i] = channel->direction[i].built.family;
	}
	examples_begin(&channel->examples, slot, hop, family);
}

int channel_open(const struct channel_request *request, uint16_t owner, struct channel **channel)
{
	struct built_flow built[DIRECTIONS];
	struct channel *new = calloc(1, sizeof(*new));
	int error;

	if (!new)
		return -ENOMEM;
	flow_build(request, &own_style, built);
	for (int i = 0; i < DIRECTIONS; i++)
		new->direction[i].built = built[i];
	/*
	 * The direction to the client comes first: a peer's answer to the first packet that is relayed is
	 * then relayed as well.
	 */
	error = direction_open(&new->direction[TO_CLIENT], request, owner);
	if (error)
		goto failed;
	error = direction_open(&new->direction[TO_PEER], request, owner);
	if (error)
		goto undo;
	begin_examples(new);
	*channel = new;
	return 0;
undo:
	direction_close(&new->direction[TO_CLIENT]);
	direction_free(&new->direction[TO_CLIENT]);
failed:
	free(new);
	return error;
}

void channel_close(struct channel *channel)
{
	direction_close(&channel->direction[TO_PEER]);
	direction_close(&channel->direction[TO_CLIENT]);
}

void channel_clear_df(struct channel *channel)
{
	struct direction *direction = &channel->direction[TO_PEER];
	struct flow *flow = &direction->built.flow;

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

static void direction_read(struct direction *direction, struct usage *since)
{
	struct flow_count before = direction->seen, *now = &direction->seen;

	maps_flow_read(direction->slot, now);
	usage_of_flow(direction->built.flow.channel, now->total.packets - before.total.packets,
		      now->total.data - before.total.data, (uint32_t)(now->trimmed - before.trimmed), since);
}

void channel_read(struct channel *channel, struct usage *to_peer, struct usage *to_client)
{
	direction_read(&channel->direction[TO_PEER], to_peer);
	direction_read(&channel->direction[TO_CLIENT], to_client);
}

void channel_free(struct channel *channel)
{
	if (!channel)
		return;
	direction_free(&channel->direction[TO_PEER]);
	direction_free(&channel->direction[TO_CLIENT]);
	free(channel);
}
