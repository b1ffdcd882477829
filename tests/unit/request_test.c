/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One request and its answer, from a kernel that is made up here: this file has libmnl's
 * functions that send and receive, which give the messages of a script one by one.
 */
#include "unit.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "netlink/request.h"

enum kind { ANSWER, PART, DONE, ACKNOWLEDGED, REFUSED, EARLIER, INTERRUPTED, FAILS, LATE };

static const enum kind *script;
static unsigned int scripted, received, parsed;
static uint32_t sequence;
static uint16_t flags;

static unsigned int opened, closed; /* sockets */
static int open_error;

static struct mnl_socket *const a_socket = (struct mnl_socket *)&scripted;

struct mnl_socket *mnl_socket_open2(int family, int flags)
{
	assert_int_equal(family, NETLINK_ROUTE);
	assert_int_equal(flags, SOCK_CLOEXEC);
	errno = open_error;
	if (open_error)
		return NULL;
	opened++;
	return a_socket;
}

int mnl_socket_bind(struct mnl_socket *socket, unsigned int groups, pid_t pid)
{
	(void)socket, (void)groups, (void)pid;
	return 0;
}

/* A real one, as its time to wait is set. */
static int some_fd = -1;

int mnl_socket_get_fd(const struct mnl_socket *unused)
{
	(void)unused;
	if (some_fd < 0)
		some_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return some_fd;
}

int mnl_socket_close(struct mnl_socket *socket)
{
	assert_ptr_equal(socket, a_socket);
	closed++;
	return 0;
}

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

/* Asks on the thread's own socket, and gets an answer of this kind. */
static void ask_own(enum kind kind, int expected)
{
	static enum kind one[1];
	char buffer[64] = { 0 };
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);

	request->nlmsg_type = RTM_GETLINK;
	one[0] = kind;
	script = one;
	scripted = 1;
	received = parsed = 0;
	assert_int_equal(request_ask_own(NETLINK_ROUTE, request, count, &parsed), expected);
}

static void check_sockets(unsigned int wanted_opened, unsigned int wanted_closed)
{
	assert_int_equal(opened, wanted_opened);
	assert_int_equal(closed, wanted_closed);
}

static void *ask_once(void *unused)
{
	(void)unused;
	ask_own(ANSWER, 0);
	return NULL;
}

/* The socket stays open until a request fails, until it is to have other capabilities, or until the thread ends. */
static void test_own_socket(void **state)
{
	pthread_t thread;

	(void)state;
	open_error = EMFILE;
	ask_own(ANSWER, -EMFILE);
	open_error = 0;
	for (int i = 0; i < 3; i++)
		ask_own(ANSWER, 0);
	check_sockets(1, 0);
	ask_own(REFUSED, -ENODEV);
	check_sockets(1, 1);
	ask_own(FAILS, -ENOBUFS);
	check_sockets(2, 2);
	ask_own(ANSWER, 0);
	check_sockets(3, 2);
	assert_ptr_equal(request_socket_own(NETLINK_ROUTE), a_socket);
	check_sockets(3, 2);
	request_socket_forget_own();
	check_sockets(3, 3);
	ask_own(ANSWER, 0);
	assert_int_equal(pthread_create(&thread, NULL, ask_once, NULL), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	check_sockets(5, 4);
	request_socket_forget_own();
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ask),
		cmocka_unit_test(test_own_socket),
	};

	return cmocka_run_group_tests_name("request", tests, NULL, NULL);
}
