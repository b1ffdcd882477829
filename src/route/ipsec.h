/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Whether this host has IPsec policies (ip-xfrm(8)). What XDP relays bypasses them, so
 * nothing is offloaded while there are any. All of this is for one thread.
 */
#ifndef OFFLOAD_ROUTE_IPSEC_H
#define OFFLOAD_ROUTE_IPSEC_H

#include <stdbool.h>

struct mnl_socket;

/**
 * Opens a socket that hears when policies change. It does not block. Returns the
 * socket, which request_socket_close closes, or NULL with errno.
 */
struct mnl_socket *ipsec_listen(void);

/**
 * Asks the kernel whether there are policies, for whichever direction, and says so in
 * the status, and in the log if that has changed. Returns whether it has changed. If the
 * kernel does not answer, what was known stays: it answers -EPERM without
 * CAP_NET_ADMIN, and there is no such netlink family in a kernel without IPsec.
 */
bool ipsec_refresh(void);

/**
 * Asks the kernel whether there are policies, and changes nothing. 0; -EPERM without CAP_NET_ADMIN;
 * -EPROTONOSUPPORT if the kernel has no IPsec; or another -errno. After an error `any` is untouched.
 */
int ipsec_ask(bool *any);

/** Whether the kernel did not answer at the last ipsec_refresh, so that it is to be asked again. */
bool ipsec_is_unanswered(void);

/** Whether there were policies at the last ipsec_refresh, so that nothing may be offloaded. */
bool ipsec_blocks(void);

#endif
