/* SPDX-License-Identifier: BSD-3-Clause */
/* Netlink sockets, and one question with its one answer. */
#ifndef OFFLOAD_NETLINK_REQUEST_H
#define OFFLOAD_NETLINK_REQUEST_H

#include <libmnl/libmnl.h>

/** A bound socket of a netlink family, or NULL with errno. `flags`: SOCK_NONBLOCK or 0. */
struct mnl_socket *request_socket_open(int family, int flags);

/** NULL is fine. */
void request_socket_close(struct mnl_socket *socket);

/**
 * Sends `request` and hands its answer to `parse`: one message, or those of a
 * dump. `parse` is NULL for a request that is only acknowledged. 0 or -errno,
 * also the kernel's. Waits.
 */
int request_ask(struct mnl_socket *socket, struct nlmsghdr *request, mnl_cb_t parse, void *result);

#endif
