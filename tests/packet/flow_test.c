/* SPDX-License-Identifier: BSD-3-Clause */
/* The flows that the server makes, in the program: both mean the same by them. */
#include <arpa/inet.h>
#include <string.h>

#include "channel/flow_build.h"
#include "harness.h"

static struct flow_style style;
static bool peer_df, mapped;

static union endpoint endpoint(enum party party, int family)
{
	const struct transport_address *from = model_party(party, family);
	union endpoint to;

	memset(&to, 0, sizeof(to));
	if (family == 6) {
		to.v6.sin6_family = AF_INET6;
		memcpy(&to.v6.sin6_addr, from->byte, 16);
		to.v6.sin6_port = htons(from->port);
	} else {
		to.v4.sin_family = AF_INET;
		memcpy(&to.v4.sin_addr, from->byte, 4);
		to.v4.sin_port = htons(from->port);
	}
	return to;
}

/*
 * What coturn's sockets send with, which the model takes from the flow. Of an
 * IPv4 client on an IPv6 socket coturn learns neither TTL nor TOS: it sends as if
 * they were 64 and 0.
 */
static void style_check(const struct flow *flow, bool to_client, bool client_mapped)
{
	int ttl = flow->flags & FLOW_V6 ? style.ttl6 : style.ttl;
	int rule = 0;

	if (to_client && (style.client_ttl_fixed || client_mapped))
		rule = FLOW_TTL_ROUTE;
	if (!to_client && client_mapped) {
		rule = FLOW_TTL_CONSTANT;
		ttl = ttl < 63 ? ttl : 63;
	}
	assert_int_equal(flow->ttl, ttl);
	assert_int_equal(flow->flags & (FLOW_TTL_ROUTE | FLOW_TTL_CONSTANT), rule);
	assert_int_equal(!!(flow->flags & FLOW_TOS_ZERO), client_mapped);
	assert_int_equal(flow->channel != 0, to_client);
	assert_int_equal(!!(flow->flags & FLOW_DF),
			 !(flow->flags & FLOW_V6) && (to_client ? style.client_df : peer_df));
}

/*
 * Takes the server's flow, with the rows that the harness looks at. Whom it is from and to is
 * said by the parties: the model believes the flow.
 */
static void flow_of_server(struct flow_entry *entry, const struct built_flow *from)
{
	const struct flow rows = entry->flow;

	assert_int_equal(entry->family, from->family == AF_INET6 ? 6 : 4);
	assert_memory_equal(&entry->key, &from->key,
			    entry->family == 6 ? sizeof(struct flow_key6) : sizeof(struct flow_key));
	assert_memory_equal(&rows.saddr, &from->flow.saddr, rows.flags & FLOW_V6 ? 16 : 4);
	assert_memory_equal(&rows.daddr, &from->flow.daddr, rows.flags & FLOW_V6 ? 16 : 4);
	assert_int_equal(rows.sport, from->flow.sport);
	assert_int_equal(rows.dport, from->flow.dport);
	assert_int_equal(rows.channel, from->flow.channel);
	assert_int_equal(rows.flags & FLOW_V6, from->flow.flags & FLOW_V6);
	memset(&entry->key, 0, sizeof(entry->key));
	if (entry->family == 6)
		entry->key.v6 = from->key.v6;
	else
		entry->key.v4 = from->key.v4;
	entry->flow = from->flow;
	entry->flow.hop = rows.hop;
	entry->flow.owner = rows.owner;
}

static void channel_of_client(struct world *world)
{
	const struct path *path = &world->path;
	bool to_client = path->way == WAY_CLIENT;
	int client = to_client ? path->out : path->in, peer = to_client ? path->in : path->out;
	const struct channel_request request = {
		.client = endpoint(CLIENT, client),
		.server = endpoint(SERVER, client),
		.relay = endpoint(RELAY, peer),
		.peer = endpoint(PEER, peer),
		.number = MODEL_CHANNEL,
		.df = peer_df,
		.mapped = mapped && client == 4,
	};
	struct built_flow flow[2];

	flow_build(&request, &style, flow);
	style_check(&flow[0].flow, false, request.mapped);
	style_check(&flow[1].flow, true, request.mapped);
	flow_of_server(&world->flow[FIRST], &flow[to_client]);
	flow_of_server(&world->flow[BACK], &flow[!to_client]);
}

/* Two clients, who are each other's peers. */
static void channels_of_two_clients(struct world *world)
{
	const struct path *path = &world->path;
	const struct channel_request first = {
		.client = endpoint(CLIENT, path->in),
		.server = endpoint(SERVER, path->in),
		.relay = endpoint(RELAY, path->middle),
		.peer = endpoint(OTHER_RELAY, path->middle),
		.number = MODEL_CHANNEL,
		.df = peer_df,
	};
	const struct channel_request second = {
		.client = endpoint(OTHER_CLIENT, path->out),
		.server = endpoint(OTHER_SERVER, path->out),
		.relay = endpoint(OTHER_RELAY, path->middle),
		.peer = endpoint(RELAY, path->middle),
		.number = MODEL_OTHER_CHANNEL,
		.df = peer_df,
	};
	struct built_flow flow[2];

	flow_build(&first, &style, flow);
	flow_of_server(&world->flow[FIRST], &flow[0]);
	flow_build(&second, &style, flow);
	flow_of_server(&world->flow[SECOND], &flow[1]);
}

static int rows_failed(void)
{
	static const enum verdict relayed[WAYS] = {VERDICT_TO_PEER, VERDICT_TO_CLIENT,
						   VERDICT_TO_OTHER_CLIENT};
	int failed = 0;

	for (int i = 0; i < 240; i++) {
		enum way way = i % WAYS;
		struct row row = {
			.name = "flow of the server",
			.verdict = relayed[way],
			.way = way,
			.data = i,
			.ttl = 3 + i,
			.tos = i,
			.checksum = i / WAYS % 4,
			.before = way == WAY_OTHER ? channels_of_two_clients : channel_of_client,
		};

		failed += !harness_row(&row);
		if (way == WAY_CLIENT)
			continue;
		row.name = "another channel of the client";
		row.verdict = VERDICT_NO_FLOW;
		row.patch[0] = (struct patch){AT_CHANNEL_NUMBER, 2, MODEL_CHANNEL + 1 + i};
		failed += !harness_row(&row);
	}
	return failed;
}

static void test_flows_of_server(void **state)
{
	int failed = 0;

	(void)state;
	harness_need();
	for (int i = 0; i < 32; i++) {
		style = (struct flow_style){
			.ttl = 70,
			.ttl6 = 60,
			.client_ttl_fixed = i & 1,
			.client_df = i & 2,
			.flow_labels = i & 4,
			.secret = 0x9badcafe,
		};
		peer_df = i & 8;
		mapped = i & 16;
		failed += rows_failed();
	}
	assert_int_equal(failed, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flows_of_server),
	};

	return harness_run("packet: flows of the server", tests, sizeof(tests) / sizeof(tests[0]));
}
