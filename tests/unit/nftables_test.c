/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The chains of nf_tables that the survey finds, which nft(8) puts there, and when it reads
 * them. This file has the file that reads nf_tables itself, so that it counts the questions, and
 * has the clock.
 */
#include "own_host.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>

#include "netlink/request.h"

static unsigned int dumps;   /* of chains */
static int ask_error;        /* instead of an answer about nf_tables */
static unsigned int intrude; /* so many dumps are interrupted */

static int counted_ask(int family, struct nlmsghdr *request, mnl_cb_t parse, void *result)
{
	bool dump = request->nlmsg_flags & NLM_F_DUMP;
	int error;

	if (ask_error)
		return ask_error;
	dumps += dump;
	error = request_ask_own(family, request, parse, result);
	if (dump && intrude) {
		intrude--;
		return -EINTR;
	}
	return error;
}

#define request_ask_own counted_ask
#include "host/nftables.c"
#undef request_ask_own

/* ---- time ---- */

static uint64_t now_ns = 1000000000;

uint64_t clock_monotonic_ns(void)
{
	return now_ns;
}

/* ---- the host ---- */

static void need_nft(void)
{
	need("there is no nft (package nftables), or the kernel has no nf_tables", run("nft list ruleset >/dev/null 2>&1"));
}

static int new_host(void **state)
{
	(void)state;
	dumps = intrude = 0;
	ask_error = 0;
	now_ns += 1000000000;
	return own_host_enter();
}

static struct survey taken(void)
{
	struct survey survey;

	now_ns += DUMP_PAUSE_NS;
	assert_int_equal(survey_take(&survey), 0);
	assert_int_equal(survey.again_ns, 0);
	return survey;
}

/* ---- chains ---- */

#define V4 SURVEY_EXAMINED_V4
#define V6 SURVEY_EXAMINED_V6

static void test_chains(void **state)
{
	static const struct {
		const char *family, *hook;
		uint32_t flags;
	} table[] = {
		{ "ip", "type filter hook prerouting priority 0;", V4 },
		{ "ip", "type filter hook input priority 0;", V4 },
		{ "ip", "type filter hook output priority 0;", V4 },
		{ "ip", "type filter hook postrouting priority 0;", V4 },
		{ "ip", "type filter hook forward priority 0; policy drop;", 0 },
		{ "ip", "type route hook output priority 0;", V4 },
		{ "ip", "type nat hook prerouting priority 0;", V4 | SURVEY_NAT_V4 },
		{ "ip", "type nat hook postrouting priority 0;", V4 | SURVEY_NAT_V4 },
		{ "ip", "", 0 },
		{ "ip6", "type filter hook prerouting priority 0;", V6 },
		{ "ip6", "type filter hook input priority 0;", V6 },
		{ "ip6", "type filter hook output priority 0;", V6 },
		{ "ip6", "type filter hook postrouting priority 0;", V6 },
		{ "ip6", "type filter hook forward priority 0;", 0 },
		{ "ip6", "type nat hook output priority 0;", V6 | SURVEY_NAT_V6 },
		{ "inet", "type filter hook input priority 0;", V4 | V6 },
		{ "inet", "type filter hook forward priority 0;", 0 },
		{ "inet", "type nat hook prerouting priority 0;", V4 | V6 | SURVEY_NAT },
		{ "inet", "type filter hook ingress device \"lo\" priority 0;", V4 | V6 },
		{ "netdev", "type filter hook ingress device \"lo\" priority 0;", V4 | V6 },
		{ "netdev", "type filter hook egress device \"lo\" priority 0;", V4 | V6 },
		{ "bridge", "type filter hook input priority 0;", V4 | V6 },
		{ "bridge", "type filter hook forward priority 0;", 0 },
		{ "arp", "type filter hook input priority 0;", 0 },
		{ "arp", "type filter hook output priority 0;", 0 },
	};

	(void)state;
	need_root();
	need_nft();
	run("ip link set lo up");
	for (size_t i = 0; i < COUNT(table); i++) {
		char entry[128], command[256], wanted[128] = "";
		struct survey survey;

		snprintf(entry, sizeof(entry), "%s %s", table[i].family, table[i].hook);
		snprintf(command, sizeof(command), "nft 'flush ruleset; table %s t { chain c { %s }; }'", table[i].family,
			 table[i].hook);
		if (!run(command)) {
			/* Only these are options of the kernel, besides the others. */
			assert_true(!strcmp(table[i].family, "netdev") || !strcmp(table[i].family, "bridge") ||
				    !strcmp(table[i].family, "arp") || strstr(table[i].hook, "ingress"));
			print_message("SKIP: the kernel has no %s\n", entry);
			continue;
		}
		if (table[i].flags)
			snprintf(wanted, sizeof(wanted), "nf_tables: table %s t chain c", table[i].family);
		survey = taken();
		assert_entry_equal(entry, survey.flags, table[i].flags);
		check_text(entry, survey.text, wanted);
	}
	run("nft flush ruleset");
	assert_int_equal(taken().flags, 0);
}

/* Chains of several families, more than are named. */
static void test_many_chains(void **state)
{
	struct survey survey;

	(void)state;
	need_root();
	need_nft();
	assert_true(run("nft 'table ip a { chain f { type filter hook forward priority 0; }; chain i { type filter hook input "
			"priority 0; }; chain o { type filter hook output priority 0; }; chain n { type nat hook postrouting "
			"priority 0; }; }; table ip6 b { chain x { type filter hook input priority 0; }; }'"));
	survey = taken();
	assert_int_equal(survey.flags, V4 | V6 | SURVEY_NAT_V4);
	check_text("many", survey.text, "nf_tables: table ip a chain i, table ip a chain o, table ip a chain n and 1 more");
}

/* The chains are read when the generation has changed, and only then. */
static void test_generation(void **state)
{
	struct survey first, second;

	(void)state;
	need_root();
	need_nft();
	assert_true(run("nft 'table ip a { chain i { type filter hook input priority 0; }; }'"));
	first = taken();
	assert_int_equal(dumps, 1);
	for (int i = 0; i < 3; i++) {
		second = taken();
		assert_true(second.signature == first.signature);
		assert_int_equal(second.flags, V4);
		check_text("the same", second.text, first.text);
	}
	assert_int_equal(dumps, 1);
	assert_true(run("nft add rule ip a i udp dport 9 drop"));
	second = taken();
	assert_int_equal(dumps, 2);
	assert_true(second.signature != first.signature);
	assert_int_equal(second.flags, V4);
	/* An interrupted answer is not used: the next has the chain once. */
	assert_true(run("nft add rule ip a i udp dport 10 drop"));
	intrude = 2;
	second = taken();
	assert_int_equal(dumps, 5);
	check_text("interrupted", second.text, first.text);
}

/*
 * Changes that come fast: each is told at once, as if there was something now, but chains are read every 100 ms. What
 * was not read is not taken for translation, which would close all gates.
 */
static void test_fast_changes(void **state)
{
	uint64_t signature = 0, due;
	struct survey survey;

	(void)state;
	need_root();
	need_nft();
	assert_true(run("nft 'table ip a { chain f { type filter hook forward priority 0; }; }'"));
	survey = taken();
	assert_int_equal(survey.flags, 0);
	due = now_ns + DUMP_PAUSE_NS;
	for (int i = 0; i < 4; i++) {
		assert_true(run("nft add rule ip a f udp dport 9 drop"));
		now_ns += 10000000;
		assert_int_equal(survey_take(&survey), 0);
		assert_true(survey.signature != signature);
		assert_int_equal(survey.flags, SURVEY_EXAMINED);
		assert_true(survey.again_ns == due);
		signature = survey.signature;
	}
	assert_int_equal(dumps, 1);
	now_ns = due;
	assert_int_equal(survey_take(&survey), 0);
	assert_int_equal(survey.flags, 0);
	assert_int_equal(survey.again_ns, 0);
	assert_true(survey.signature == signature);
	assert_int_equal(dumps, 2);
}

static void test_unreadable_chains(void **state)
{
	struct survey survey;

	(void)state;
	need_root();
	ask_error = -EPERM;
	assert_int_equal(survey_take(&survey), -EPERM);
	assert_int_equal(survey.flags, SURVEY_EXAMINED | SURVEY_NAT);
	check_text("no privilege", survey.text, "nf_tables: cannot be read (Operation not permitted)");
	ask_error = 0;
	assert_int_equal(taken().flags, 0);
	/* Answers of a kernel that has no nf_tables. */
	ask_error = -EINVAL;
	assert_int_equal(taken().flags, 0);
	assert_null(survey_listen());
	/* The module is not there, so it is not asked again. */
	if (!access("/sys/module/nf_tables", F_OK))
		return;
	ask_error = -EPERM;
	assert_int_equal(taken().flags, 0);
}

static void test_events(void **state)
{
	struct mnl_socket *socket;
	struct pollfd ready;

	(void)state;
	need_root();
	need_nft();
	socket = survey_listen();
	assert_non_null(socket);
	assert_false(survey_heard(socket));
	ready = (struct pollfd){ .fd = mnl_socket_get_fd(socket), .events = POLLIN };
	assert_true(run("nft add table ip a"));
	assert_int_equal(poll(&ready, 1, 10000), 1);
	assert_true(survey_heard(socket));
	assert_false(survey_heard(socket));
	/* More events than the socket has room for: the last one, which tells of the generation, is among the lost. */
	setsockopt(ready.fd, SOL_SOCKET, SO_RCVBUF, &(int){ 1 }, sizeof(int));
	assert_true(run("{ echo 'table ip b {'; for i in $(seq 500); do echo \"chain c$i { }\"; done; echo '}'; } | nft -f -"));
	assert_true(survey_heard(socket));
	request_socket_close(socket);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_chains, new_host),
		cmocka_unit_test_setup(test_many_chains, new_host),
		cmocka_unit_test_setup(test_generation, new_host),
		cmocka_unit_test_setup(test_fast_changes, new_host),
		cmocka_unit_test_setup(test_unreadable_chains, new_host),
		cmocka_unit_test_setup(test_events, new_host),
	};

	return cmocka_run_group_tests_name("nftables", tests, NULL, NULL);
}
