/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * --multiplex-peer, whose hooks are not in the build of coturn 4.6: whose a peer is,
 * when mobile sessions' channels are bound, and what ends with a session's peers.
 */
#include "unit.h"

#include <errno.h>
#include <string.h>

/* The file under test; coturn's headers are those in standin/. */
#include "coturn/multiplex_peer.c"

#define CALLS 8

static ts_ur_super_session ours, theirs;
static struct engine_standin engine, other_engine;
static struct socket_standin relay = { .e = &engine }, relay6 = { .e = &other_engine };
static ch_info channel;
static void *server = &server, *bound = &bound; /* any addresses */

/* What the hooks have called, in order. */
static const char *called[CALLS];
static unsigned int calls;

static struct {
	struct peer_table *table; /* where the peer has an owner */
	ioa_addr peer;
	void *owner;
	int register_error;
	void *bind[4]; /* arguments */
	allocation *closed;
	void *deregistered, *socket;
	int closed_family, deregistered_family;
} host;

static void call(const char *name)
{
	assert_true(calls < CALLS);
	called[calls++] = name;
}

static void check_calls(const char *first, const char *second)
{
	const char *want[] = { first, second };

	assert_int_equal(calls, (first != NULL) + (second != NULL));
	for (unsigned int i = 0; i < calls; i++)
		assert_string_equal(called[i], want[i]);
	calls = 0;
}

/* ---- coturn's ---- */

struct params_standin turn_params;

ioa_socket_handle get_relay_socket(allocation *a, int family)
{
	return family == AF_INET6 ? a->relay6 : a->relay;
}

ch_info *allocation_get_ch_info_by_peer_addr(allocation *a, ioa_addr *peer)
{
	return a->channel && !memcmp(&a->channel->peer_addr, peer, sizeof(*peer)) ? a->channel : NULL;
}

void addr_cpy(ioa_addr *to, const ioa_addr *from)
{
	*to = *from;
}

void *mp_peer_table_lookup(struct peer_table *table, const ioa_addr *peer)
{
	return table == host.table && !memcmp(peer, &host.peer, sizeof(*peer)) ? host.owner : NULL;
}

int __real_mp_register_peer(ioa_engine_handle e, const ioa_addr *peer, void *session)
{
	assert_ptr_equal(e, &engine);
	assert_memory_equal(peer, &host.peer, sizeof(*peer));
	assert_ptr_equal(session, &ours);
	call("register");
	return host.register_error;
}

void __real_mp_deregister_session_peers(ioa_engine_handle e, void *session, int family)
{
	assert_ptr_equal(e, &engine);
	host.deregistered = session;
	host.deregistered_family = family;
	call("deregister");
}

void __real_set_do_not_use_df(ioa_socket_handle s)
{
	host.socket = s;
	call("no DF");
}

/* ---- of the other hook files ---- */

void *session_channel_bind(void *its_server, void *session, void *its_channel, const void *peer)
{
	void *given[] = { its_server, session, its_channel, (void *)(uintptr_t)peer };

	memcpy(host.bind, given, sizeof(given));
	call("bind");
	return bound;
}

void session_channels_close(allocation *a, int family)
{
	host.closed = a;
	host.closed_family = family;
	call("close");
}

void session_relay_clear_df(ioa_socket_handle s)
{
	assert_ptr_equal(s, host.socket);
	call("clear DF");
}

/* ---- the tests ---- */

static int set_up(void **state)
{
	(void)state;
	memset(&host, 0, sizeof(host));
	memset(&channel, 0, sizeof(channel));
	host.peer.s4 = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(5000) };
	host.table = &engine.mp_table;
	ours = (ts_ur_super_session){ .server = server, .alloc = { .relay = &relay, .relay6 = &relay6 } };
	theirs = ours;
	relay.session = relay6.session = NULL;
	calls = 0;
	return 0;
}

static void test_owned(void **state)
{
	static const struct {
		const char *name;
		ts_ur_super_session *relay, *owner; /* whose the relay and the peer are */
		bool owned;
	} cases[] = {
		{ "a shared relay, and the peer is the session's", NULL, &ours, true },
		{ "a shared relay, and the peer is another's", NULL, &theirs, false },
		{ "a shared relay, and the peer is nobody's", NULL, NULL, false },
		{ "another's relay, and the peer is the session's", &theirs, &ours, true },
		{ "another's relay, and the peer is another's", &theirs, &theirs, false },
		{ "a relay of its own", &ours, NULL, true },
		{ "a relay of its own, and the peer is another's", &ours, &theirs, true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		relay.session = cases[i].relay;
		host.owner = cases[i].owner;
		if (release_peer_owned(&ours, &host.peer) != cases[i].owned)
			fail_msg("%s", cases[i].name);
	}
}

/* Each family has a relay, and the table of peers is that relay's engine's. */
static void test_owned_families(void **state)
{
	ioa_addr peer6 = { .s6 = { .sin6_family = AF_INET6, .sin6_port = htons(5000) } };

	(void)state;
	host.owner = &ours;
	relay6.session = &theirs;
	assert_true(release_peer_owned(&ours, &host.peer));
	assert_false(release_peer_owned(&ours, &peer6));
	host.peer = peer6;
	assert_false(release_peer_owned(&ours, &peer6));
	host.table = &other_engine.mp_table;
	assert_true(release_peer_owned(&ours, &peer6));
	/* Without a relay nothing can be another's. */
	ours.alloc.relay6 = NULL;
	host.owner = &theirs;
	assert_true(release_peer_owned(&ours, &peer6));
}

/* A channel of a mobile session is bound when it is known that the peer is its own. */
static void test_register(void **state)
{
	static const struct {
		const char *name;
		bool mobile, channel, other_peer;
		int error;
		bool binds;
	} cases[] = {
		{ "mobile, with a channel to the peer", true, true, false, 0, true },
		{ "mobile, with no channel", true, false, false, 0, false },
		{ "mobile, with a channel to another peer", true, true, true, 0, false },
		{ "mobile, and the peer is another's", true, true, false, -1, false },
		{ "not mobile", false, true, false, 0, false },
		{ "not mobile, and the peer is another's", false, true, false, -1, false },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		set_up(state);
		ours.is_mobile = cases[i].mobile;
		ours.alloc.channel = cases[i].channel ? &channel : NULL;
		channel.peer_addr = host.peer;
		channel.peer_addr.s4.sin_port ^= cases[i].other_peer;
		host.register_error = cases[i].error;
		assert_int_equal(__wrap_mp_register_peer(&engine, &host.peer, &ours), cases[i].error);
		if (channel.kernel_channel != (cases[i].binds ? bound : NULL))
			fail_msg("%s: channel %p", cases[i].name, channel.kernel_channel);
		check_calls("register", cases[i].binds ? "bind" : NULL);
	}
}

static void test_register_binds(void **state)
{
	void *want[] = { server, &ours, &channel, &channel.peer_addr };

	(void)state;
	ours.is_mobile = true;
	ours.alloc.channel = &channel;
	channel.peer_addr = host.peer;
	assert_int_equal(__wrap_mp_register_peer(&engine, &host.peer, &ours), 0);
	assert_memory_equal(host.bind, want, sizeof(want));
}

/* Flows end first: from then on another session can have the peer. */
static void test_deregister(void **state)
{
	static const int families[] = { 0, AF_INET, AF_INET6 };

	(void)state;
	for (size_t i = 0; i < COUNT(families); i++) {
		__wrap_mp_deregister_session_peers(&engine, &ours, families[i]);
		check_calls("close", "deregister");
		assert_ptr_equal(host.closed, &ours.alloc);
		assert_ptr_equal(host.deregistered, &ours);
		assert_int_equal(host.closed_family, families[i]);
		assert_int_equal(host.deregistered_family, families[i]);
	}
	__wrap_mp_deregister_session_peers(&engine, NULL, 0);
	check_calls("deregister", NULL);
}

static void test_session_of(void **state)
{
	(void)state;
	host.owner = &theirs;
	assert_ptr_equal(release_session_of(&relay, &host.peer), &theirs);
	host.peer.s4.sin_port ^= 1;
	host.table = &other_engine.mp_table;
	assert_null(release_session_of(&relay, &host.peer));
	assert_ptr_equal(release_session_of(&relay6, &host.peer), &theirs);
	relay.session = &ours;
	assert_ptr_equal(release_session_of(&relay, &host.peer), &ours);
}

static void test_collects(void **state)
{
	(void)state;
	turn_params.udp_sendmmsg = true;
	assert_true(release_collects_packets());
	turn_params.udp_sendmmsg = false;
	assert_false(release_collects_packets());
}

static void test_df(void **state)
{
	(void)state;
	__wrap_set_do_not_use_df(&relay6);
	check_calls("no DF", "clear DF");
	assert_ptr_equal(host.socket, &relay6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_owned, set_up),
		cmocka_unit_test_setup(test_owned_families, set_up),
		cmocka_unit_test_setup(test_register, set_up),
		cmocka_unit_test_setup(test_register_binds, set_up),
		cmocka_unit_test_setup(test_deregister, set_up),
		cmocka_unit_test_setup(test_session_of, set_up),
		cmocka_unit_test_setup(test_collects, set_up),
		cmocka_unit_test_setup(test_df, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
