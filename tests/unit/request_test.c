/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One request and its answer, from a kernel that is made up here: this file has libmnl's
 * functions that send and receive, which give the messages of a script one by one.
 */
#include "unit.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <string.h>

#include "netlink/request.h"

enum kind { ANSWER, PART, DONE, ACKNOWLEDGED, REFUSED, EARLIER, INTERRUPTED, FAILS, LATE };

static const enum kind *script;
static unsigned int scripted, received, parsed;
static uint32_t sequence;
static uint16_t flags;

static struct mnl_socket *const a_socket = (struct mnl_socket *)&scripted;

unsigned int mnl_socket_get_portid(const struct mnl_socket *socket)
{
	(void)socket;
	return 77;
}

ssize_t mnl_socket_sendto(const struct mnl_socket *socket, const void *request, size_t size)
{
	const struct nlmsghdr *message = request;

	assert_ptr_equal(socket, a_socket);
	sequence = message->nlmsg_seq;
	flags = message->nlmsg_flags;
	return (ssize_t)size;
}

ssize_t mnl_socket_recvfrom(const struct mnl_socket *socket, void *buffer, size_t size)
{
	enum kind kind = script[received];
	struct nlmsghdr *message;
	struct nlmsgerr *error;

	assert_ptr_equal(socket, a_socket);
	assert_true(received++ < scripted);
	if (kind == INTERRUPTED || kind == FAILS || kind == LATE) {
		errno = kind == FAILS ? ENOBUFS : kind == LATE ? EAGAIN : EINTR;
		return -1;
	}
	memset(buffer, 0, size);
	message = mnl_nlmsg_put_header(buffer);
	message->nlmsg_seq = kind == EARLIER ? sequence - 1 : sequence;
	message->nlmsg_pid = 77;
	message->nlmsg_type = RTM_NEWLINK;
	if (kind == PART || kind == DONE)
		message->nlmsg_flags = NLM_F_MULTI;
	if (kind == DONE)
		message->nlmsg_type = NLMSG_DONE;
	if (kind == ACKNOWLEDGED || kind == REFUSED) {
		message->nlmsg_type = NLMSG_ERROR;
		error = mnl_nlmsg_put_extra_header(message, sizeof(*error));
		error->error = kind == REFUSED ? -ENODEV : 0;
	}
	return message->nlmsg_len;
}

static int count(const struct nlmsghdr *message, void *data)
{
	assert_int_equal(message->nlmsg_seq, sequence);
	assert_ptr_equal(data, &parsed);
	parsed++;
	return MNL_CB_OK;
}

static void test_ask(void **state)
{
	static const struct {
		const char *what;
		enum kind script[5];
		unsigned int scripted;
		bool dump, only_acknowledged;
		int error;
		unsigned int parsed;
	} table[] = {
		{ "an answer", { ANSWER }, 1, .parsed = 1 },
		{ "refused", { REFUSED }, 1, .error = -ENODEV },
		{ "interrupted by a signal", { INTERRUPTED, ANSWER }, 2, .parsed = 1 },
		{ "after the rest of an earlier answer", { EARLIER, EARLIER, ANSWER }, 3, .parsed = 1 },
		{ "an answer is lost", { FAILS }, 1, .error = -ENOBUFS },
		{ "no answer in time", { LATE }, 1, .error = -ETIMEDOUT },
		{ "no rest of a dump in time", { PART, LATE }, 2, .dump = true, .error = -ETIMEDOUT, .parsed = 1 },
		{ "a dump", { PART, PART, PART, DONE }, 4, .dump = true, .parsed = 3 },
		{ "an empty dump", { DONE }, 1, .dump = true },
		{ "a dump that fails", { PART, FAILS }, 2, .dump = true, .error = -ENOBUFS, .parsed = 1 },
		{ "a dump after the rest of an earlier answer", { EARLIER, PART, DONE }, 3, .dump = true, .parsed = 1 },
		{ "an acknowledgement", { ACKNOWLEDGED }, 1, .only_acknowledged = true },
		{ "a refusal in its place", { REFUSED }, 1, .only_acknowledged = true, .error = -ENODEV },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		char buffer[64] = { 0 };
		struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);

		print_message("# %s\n", table[i].what);
		request->nlmsg_type = RTM_GETLINK;
		request->nlmsg_flags = table[i].dump ? NLM_F_DUMP : 0;
		script = table[i].script;
		scripted = table[i].scripted;
		received = parsed = 0;
		assert_int_equal(request_ask(a_socket, request, table[i].only_acknowledged ? NULL : count, &parsed),
				 table[i].error);
		assert_int_equal(received, scripted);
		assert_int_equal(parsed, table[i].parsed);
		assert_true(flags & NLM_F_REQUEST);
		/* Where there is an answer, nothing comes after it. */
		assert_int_equal(!!(flags & NLM_F_ACK), table[i].dump || table[i].only_acknowledged);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ask),
	};

	return cmocka_run_group_tests_name("request", tests, NULL, NULL);
}
