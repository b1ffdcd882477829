/* SPDX-License-Identifier: BSD-3-Clause */
/* The flows that the server makes, in the program: both mean the same by them. */
#include <arpa/inet.h>
#include <string.h>

#include "channel.h"
#include "harness.h"

static struct flow_key key[2];
static struct flow flow[2];

static void address_put(struct sockaddr_in *to, const struct transport_address *from)
{
	to->sin_family = AF_INET;
	to->sin_addr.s_addr = htonl(from->address);
	to->sin_port = htons(from->port);
}

static void flows_make(bool peer_df, bool client_df)
{
	const struct channel_style style = {.ttl = 64, .client_ttl_fixed = 1, .client_df = client_df};
	struct channel_request request = {.number = MODEL_CHANNEL, .df = peer_df};

	address_put(&request.client.v4, &model_client);
	address_put(&request.server.v4, &model_server);
	address_put(&request.relay.v4, &model_relay);
	address_put(&request.peer.v4, &model_peer);
	channel_flows(&request, &style, key, flow);
}

/* Takes the server's flows, with the rows that the harness looks at. */
static void flows_of_server(struct world *world)
{
	for (int i = 0; i < 2; i++) {
		flow[i].hop = world->flow[i].flow.hop;
		flow[i].usage = world->flow[i].flow.usage;
		flow[i].owner = world->flow[i].flow.owner;
		world->flow[i].key = key[i];
		world->flow[i].flow = flow[i];
	}
}

static int rows_failed(void)
{
	int failed = 0;

	for (int i = 0; i < 200; i++) {
		struct row row = {
			.name = "flow of the server",
			.verdict = i % 2 ? VERDICT_TO_CLIENT : VERDICT_TO_PEER,
			.to_client = i % 2,
			.data = i,
			.ttl = 2 + i,
			.tos = i,
			.checksum = i / 2 % 4,
			.before = flows_of_server,
		};

		failed += !harness_row(&row);
	}
	return failed;
}

static void test_flows_of_server(void **state)
{
	int failed = 0;

	(void)state;
	harness_need();
	for (int df = 0; df < 4; df++) {
		flows_make(df & 1, df & 2);
		failed += rows_failed();
	}
	assert_int_equal(failed, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flows_of_server),
	};

	return cmocka_run_group_tests_name("packet: flows of the server", tests, harness_open,
					   harness_close);
}
