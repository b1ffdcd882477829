/* SPDX-License-Identifier: BSD-3-Clause */
/* What is asked of links beyond looking at them, by rtnetlink(7). Both take CAP_NET_ADMIN. Any thread. */
#ifndef OFFLOAD_NETLINK_LINK_CHANGE_H
#define OFFLOAD_NETLINK_LINK_CHANGE_H

#include <stddef.h>
#include <stdint.h>

/** Sets a link's MTU. 0 or -errno. */
int link_change_mtu(uint32_t ifindex, uint32_t mtu);

/**
 * Asks the kernel to attach an XDP program in native mode, for what it says when it refuses: a BPF link is
 * refused without a word. Returns the refusal, -errno, and writes its sentence to `sentence`, "" if it has none. If
 * the program is attached after all, it is detached at once, and the answer is 0 and "". A device that carries a
 * program keeps it.
 */
int link_change_ask_xdp(uint32_t ifindex, int program, char *sentence, size_t size);

#endif
