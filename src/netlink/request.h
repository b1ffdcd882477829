/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Netlink sockets, and requests to the kernel with their answers (netlink(7)). A
 * socket is for one thread at a time.
 */
#ifndef OFFLOAD_NETLINK_REQUEST_H
#define OFFLOAD_NETLINK_REQUEST_H

#include <libmnl/libmnl.h>

/**
 * Opens and binds a netlink socket. `family` is a netlink family, such as
 * NETLINK_ROUTE; `flags` is SOCK_NONBLOCK, or 0 for a socket that blocks. Returns
 * the socket, which request_socket_close closes, or NULL with errno. Any thread.
 */
struct mnl_socket *request_socket_open(int family, int flags);

/** Closes a socket. Does nothing if `socket` is NULL. */
void request_socket_close(struct mnl_socket *socket);

/**
 * Sends `request` and waits for its answer, so the socket has to block. Each
 * message of the answer is handed to `parse` with `result`: one message, or all of
 * a dump if the request has NLM_F_DUMP. `parse` is NULL for a request that the
 * kernel only acknowledges. 0; -ETIMEDOUT if nothing comes for two seconds; or another -errno,
 * which may be the kernel's answer.
 */
int request_ask(struct mnl_socket *socket, struct nlmsghdr *request, mnl_cb_t parse, void *result);

/**
 * Returns the calling thread's own socket of a netlink family, which blocks; NULL with errno. It is opened the first time,
 * in the network namespace that the thread is in then, and closed when the thread ends.
 */
struct mnl_socket *request_socket_own(int family);

/**
 * Closes the sockets of request_socket_own of the calling thread, so that the next ones are opened with the thread's
 * present capabilities. The kernel asks for those of the moment when a socket was opened, too (netlink_capable).
 */
void request_socket_forget_own(void);

/**
 * As request_ask, on the calling thread's own socket of a netlink family. After an error the socket is
 * closed, because the rest of an answer may be left in it: the next request gets a new one.
 */
int request_ask_own(int family, struct nlmsghdr *request, mnl_cb_t parse, void *result);

#endif
