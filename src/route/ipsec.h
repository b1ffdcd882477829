/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef OFFLOAD_ROUTE_IPSEC_H
#define OFFLOAD_ROUTE_IPSEC_H

#include <stdbool.h>

/**
 * Whether the host has IPsec policies, which XDP would bypass. 0; -EPERM without
 * CAP_NET_ADMIN; -EPROTONOSUPPORT on a kernel without IPsec; or another -errno.
 */
int ipsec_policies(bool *any);

struct mnl_socket;

/** A socket that hears when policies change, not blocking; or NULL with errno. */
struct mnl_socket *ipsec_listen(void);

#endif
