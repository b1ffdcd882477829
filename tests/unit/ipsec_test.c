/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Whether the host has IPsec policies, from a kernel that is made up here: this file has the
 * requests of netlink/request.h. The answer is that of xfrm_get_spdinfo() in the kernel's
 * net/xfrm/xfrm_user.c.
 */
#include "unit.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/xfrm.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "netlink/request.h"
#include "route/ipsec.h"

static struct {
	struct xfrmu_spdinfo counts;
	bool thresholds_first, short_answer;
	int error; /* of the request */
	unsigned int shown; /* how often the status was written */
	bool blocked;       /* as the status has it */
	unsigned int lines;
	char line[512];
} host;

/* Nobody listens here. */
struct mnl_socket *request_socket_open(int family, int flags)
{
	(void)family, (void)flags;
	return NULL;
}

void request_socket_close(struct mnl_socket *socket)
{
	(void)socket;
}

int request_ask_own(int family, struct nlmsghdr *request, mnl_cb_t parse, void *result)
{
	struct xfrmu_spdhinfo hash = { .spdhcnt = 7, .spdhmcnt = 7 };
	struct xfrmu_spdhthresh thresholds = { .lbits = 32, .rbits = 32 };
	char buffer[512] = { 0 };
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);

	assert_int_equal(family, NETLINK_XFRM);
	assert_int_equal(request->nlmsg_type, XFRM_MSG_GETSPDINFO);
	assert_int_equal(mnl_nlmsg_get_payload_len(request), sizeof(uint32_t));
	if (host.error)
		return host.error;
	message->nlmsg_type = XFRM_MSG_NEWSPDINFO;
	mnl_nlmsg_put_extra_header(message, sizeof(uint32_t));
	/* Their numbers are no policies. */
	mnl_attr_put(message, XFRMA_SPD_HINFO, sizeof(hash), &hash);
	if (host.thresholds_first)
		mnl_attr_put(message, XFRMA_SPD_IPV4_HTHRESH, sizeof(thresholds), &thresholds);
	mnl_attr_put(message, XFRMA_SPD_INFO, host.short_answer ? 4 : sizeof(host.counts), &host.counts);
	mnl_attr_put(message, XFRMA_SPD_IPV6_HTHRESH, sizeof(thresholds), &thresholds);
	assert_int_equal(parse(message, result), MNL_CB_OK);
	return 0;
}

void status_blocked_put(bool blocked)
{
	host.shown++;
	host.blocked = blocked;
}

static void keep_line(enum log_level level, const char *line)
{
	assert_int_equal(level, strstr(line, "are gone:") ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING);
	host.lines++;
	snprintf(host.line, sizeof(host.line), "%s", line);
}

/* Policies are gone at the start of each test. */
static int setup(void **state)
{
	(void)state;
	log_to(keep_line);
	memset(&host, 0, sizeof(host));
	ipsec_refresh();
	memset(&host, 0, sizeof(host));
	return ipsec_blocks();
}

static void check(bool changed, bool blocks)
{
	unsigned int lines = host.lines;

	assert_int_equal(ipsec_refresh(), changed);
	assert_int_equal(ipsec_blocks(), blocks);
	assert_int_equal(host.lines - lines, changed);
}

static void test_directions(void **state)
{
	static const struct {
		const char *what;
		struct xfrmu_spdinfo counts;
		bool blocks;
	} table[] = {
		{ "in", { .incnt = 1 }, true },
		{ "out", { .outcnt = 1 }, true },
		{ "fwd", { .fwdcnt = 1 }, true },
		{ "all three", { .incnt = 2, .outcnt = 1, .fwdcnt = 2 }, true },
		{ "many in", { .incnt = 65536 }, true },
		/* Policies of single sockets, which IKE servers have for their own packets. */
		{ "of sockets only", { .inscnt = 2, .outscnt = 2, .fwdscnt = 2 }, false },
		{ "none", { 0 }, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		print_message("# %s\n", table[i].what);
		setup(NULL);
		host.counts = table[i].counts;
		check(table[i].blocks, table[i].blocks);
		assert_int_equal(host.shown, 1);
		assert_int_equal(host.blocked, table[i].blocks);
		/* The same answer again is no news, wherever it is in the message. */
		host.thresholds_first = true;
		check(false, table[i].blocks);
	}
}

static void test_come_and_go(void **state)
{
	(void)state;
	host.counts.incnt = 1;
	check(true, true);
	assert_non_null(strstr(host.line, "has IPsec policies"));
	host.counts = (struct xfrmu_spdinfo){ .fwdcnt = 1 };
	check(false, true);
	host.counts.fwdcnt = 0;
	check(true, false);
	assert_non_null(strstr(host.line, "policies are gone"));
	assert_false(host.blocked);
}

/* Without an answer what was known stays: policies may still be there, or still not. */
static void test_no_answer(void **state)
{
	static const struct {
		const char *what;
		int error;
	} table[] = {
		{ "no privilege", -EPERM },
		{ "no memory", -ENOBUFS },
		{ "a kernel without IPsec", -EPROTONOSUPPORT },
		{ "no more sockets", -EMFILE },
	};

	(void)state;
	for (unsigned int blocks = 0; blocks < 2; blocks++) {
		setup(NULL);
		host.counts.outcnt = blocks;
		check(blocks, blocks);
		host.counts.outcnt = !blocks;
		for (size_t i = 0; i < COUNT(table); i++) {
			print_message("# %s, %s before\n", table[i].what, blocks ? "blocked" : "not blocked");
			host.error = table[i].error;
			check(false, blocks);
			assert_int_equal(host.shown, 1);
		}
		host.error = 0;
		check(true, !blocks);
	}
}

/* Less than the counts of both directions and of forwarding says nothing. */
static void test_short_answer(void **state)
{
	(void)state;
	host.counts.incnt = 1;
	host.short_answer = true;
	check(false, false);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_directions, setup),
		cmocka_unit_test_setup(test_come_and_go, setup),
		cmocka_unit_test_setup(test_no_answer, setup),
		cmocka_unit_test_setup(test_short_answer, setup),
	};

	return cmocka_run_group_tests_name("ipsec", tests, NULL, NULL);
}
