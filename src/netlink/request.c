/* SPDX-License-Identifier: BSD-3-Clause */
#include "netlink/request.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/time.h>

/* Linux answers one recvmsg() of a dump with at most 32 KiB (netlink_dump); single answers are shorter. */
#define ANSWER_SIZE 32768
/*
 * The kernel answers while the request is sent, so that an answer that does not come within this time
 * is lost, or something is wrong with the host. Waiting on would hold up the start, or the monitor thread.
 */
#define ANSWER_SECONDS 2

/* A socket that does not block has no requests, and the time does not matter to it. */
static int prepare(struct mnl_socket *socket)
{
	const struct timeval patience = { .tv_sec = ANSWER_SECONDS };

	if (setsockopt(mnl_socket_get_fd(socket), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)))
		return -1;
	return mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID);
}

struct mnl_socket *request_socket_open(int family, int flags)
{
	struct mnl_socket *socket = mnl_socket_open2(family, SOCK_CLOEXEC | flags);

	if (socket && prepare(socket) < 0) {
		int error = errno;

		mnl_socket_close(socket);
		errno = error;
		return NULL;
	}
	return socket;
}

void request_socket_close(struct mnl_socket *socket)
{
	if (socket)
		mnl_socket_close(socket);
}

int request_ask(struct mnl_socket *socket, struct nlmsghdr *request, mnl_cb_t parse, void *result)
{
	static _Thread_local unsigned int sequence;
	char answer[ANSWER_SIZE];
	int status = MNL_CB_OK;
	bool one = parse && !(request->nlmsg_flags & NLM_F_DUMP);

	/* A request that has an answer wants no acknowledgement after it, which would be another system call. */
	request->nlmsg_flags |= one ? NLM_F_REQUEST : NLM_F_REQUEST | NLM_F_ACK;
	request->nlmsg_seq = ++sequence;
	if (mnl_socket_sendto(socket, request, request->nlmsg_len) < 0)
		return -errno;
	while (status == MNL_CB_OK) {
		ssize_t size = mnl_socket_recvfrom(socket, answer, sizeof(answer));

		if (size < 0 && errno == EINTR)
			continue;
		if (size < 0)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		/* This is the rest of the answer to an earlier request that failed. */
		if (((struct nlmsghdr *)(void *)answer)->nlmsg_seq != request->nlmsg_seq)
			continue;
		status = mnl_cb_run(answer, (size_t)size, request->nlmsg_seq,
				    mnl_socket_get_portid(socket), parse, result);
		if (one)
			break;
	}
	return status < 0 ? -errno : 0;
}

/* ---- the sockets of a thread ---- */

/* Netlink families are small numbers: MAX_LINKS of linux/netlink.h. */
static _Thread_local struct mnl_socket *own[MAX_LINKS];
static pthread_key_t own_key;
static pthread_once_t own_once = PTHREAD_ONCE_INIT;
static int own_error; /* why there is no key */

static void close_own(void *sockets)
{
	struct mnl_socket **socket = sockets;

	for (int family = 0; family < MAX_LINKS; family++) {
		request_socket_close(socket[family]);
		socket[family] = NULL;
	}
}

static void create_key(void)
{
	own_error = pthread_key_create(&own_key, close_own);
}

struct mnl_socket *request_socket_own(int family)
{
	struct mnl_socket *socket = own[family];

	if (socket)
		return socket;
	pthread_once(&own_once, create_key);
	errno = own_error ? own_error : pthread_setspecific(own_key, own);
	if (!errno)
		socket = own[family] = request_socket_open(family, 0);
	return socket;
}

void request_socket_forget_own(void)
{
	close_own(own);
}

int request_ask_own(int family, struct nlmsghdr *request, mnl_cb_t parse, void *result)
{
	struct mnl_socket *socket = request_socket_own(family);
	int error;

	if (!socket)
		return -errno;
	error = request_ask(socket, request, parse, result);
	/* Of a dump that was interrupted the rest is pending, and until it is read the kernel starts no other one (EBUSY). */
	if (error) {
		request_socket_close(socket);
		own[family] = NULL;
	}
	return error;
}
