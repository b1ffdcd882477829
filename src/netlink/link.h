/* SPDX-License-Identifier: BSD-3-Clause */
/* Network interfaces as rtnetlink(7) describes them: the kernel calls them links. */
#ifndef OFFLOAD_NETLINK_LINK_H
#define OFFLOAD_NETLINK_LINK_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

struct mnl_socket;

/* Bytes of the kind of a link, with the 0 at its end. */
#define LINK_KIND_SIZE 16

struct link {
	uint32_t ifindex;
	uint32_t mtu;       /* in bytes, as IFLA_MTU */
	uint32_t mtu6;      /* for IPv6, which routers may lower; 0: the link has no IPv6 */
	uint8_t hop_limit6; /* of IPv6 sockets by default, which routers may set */
	bool up;            /* administratively up, and it has a carrier */
	bool ethernet;      /* its frames have Ethernet headers, and its neighbours MAC addresses */
	bool vlan;          /* it is a VLAN interface; if not, the next three are 0 */
	bool vlan_qos;      /* it maps packets' priorities to priorities in tags */
	uint16_t vlan_id;
	uint16_t vlan_protocol; /* ETH_P_8021Q or ETH_P_8021AD, in host order */
	uint32_t lower;         /* the link below, or a veth's other end; 0: none in this namespace */
	uint32_t upper;         /* the bridge or bond that it is a member of; 0: none */
	bool veth;              /* it is a veth: `lower` is its other end, and not below it */
	bool bond;              /* it is a bond; if not, the next two are 0 */
	uint8_t bond_mode;      /* BOND_MODE_* of linux/if_bonding.h */
	uint8_t bond_policy;    /* by what the mode chooses a member: BOND_XMIT_POLICY_* */
	bool backup;            /* it is a member of a bond, which drops what it receives for now */
	bool bridge_filter;     /* it is a bridge that is set itself to have iptables filter what its ports receive */
	uint8_t mac[6];
	char name[IFNAMSIZ];
	char kind[LINK_KIND_SIZE]; /* as ip-link(8) has it: "bridge", "vxlan"; "": it is a device of a driver, as a network card */
};

/**
 * Asks the kernel for the link with an index (RTM_GETLINK). `socket` is one of
 * rtnetlink_open, for one thread at a time. 0, -ENODEV if there is no such link, or
 * another -errno; then `link` is untouched.
 */
int link_read(struct mnl_socket *socket, uint32_t ifindex, struct link *link);

/**
 * Asks the kernel for all links of this network namespace, and calls `each` with
 * every one of them and `data`. 0; -EINTR if links changed meanwhile, so that `each` may
 * have missed one or seen one twice; or another -errno. Any thread.
 */
int link_each(void (*each)(const struct link *link, void *data), void *data);

#endif
