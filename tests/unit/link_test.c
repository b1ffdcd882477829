/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Links as the kernel describes them, also those that this machine does not have: this file
 * has request_ask itself, which answers with messages that are made up here. A VLAN's has the
 * shape of vlan_fill_info() in the kernel's net/8021q/vlan_netlink.c; a bond's and its members'
 * that of bond_fill_info() and bond_fill_slave_info() in drivers/net/bonding/bond_netlink.c.
 */
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <linux/if_arp.h>
#include <linux/if_bonding.h>
#include <linux/if_link.h>
#include <linux/if_vlan.h>
#include <linux/ipv6.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "netlink/link.h"
#include "netlink/request.h"

enum { QOS_NONE, QOS_EMPTY, QOS_MAP };

struct answer {
	uint32_t ifindex, lower, upper;
	const char *kind;
	int protocol; /* in host order; -1: the message does not have it */
	uint16_t id;
	int qos;
	bool elsewhere;
	unsigned int conf; /* how many of IPv6's settings the message has */
	bool data_first;
	uint8_t mode, policy;    /* of a bond */
	const char *member_kind; /* the kind of what it is a member of, or NULL */
	uint8_t member_state;    /* of a bond's member */
	int filter4, filter6; /* of a bridge; 0: the message does not have it, 1: off, 2: on */
};

static struct answer answers[8];
static unsigned int answer_count;
static int answer_error;

struct mnl_socket *request_socket_open(int family, int flags)
{
	(void)family, (void)flags;
	return NULL;
}

void request_socket_close(struct mnl_socket *socket)
{
	(void)socket;
}

static void put_vlan_data(struct nlmsghdr *message, const struct answer *answer)
{
	struct ifla_vlan_qos_mapping mapping = { .from = 3, .to = 5 };
	struct ifla_vlan_flags flags = { .flags = 1, .mask = ~0U };
	struct nlattr *map;

	if (answer->protocol >= 0)
		mnl_attr_put_u16(message, IFLA_VLAN_PROTOCOL, htons((uint16_t)answer->protocol));
	mnl_attr_put_u16(message, IFLA_VLAN_ID, answer->id);
	mnl_attr_put(message, IFLA_VLAN_FLAGS, sizeof(flags), &flags);
	map = mnl_attr_nest_start(message, IFLA_VLAN_INGRESS_QOS);
	mnl_attr_put(message, IFLA_VLAN_QOS_MAPPING, sizeof(mapping), &mapping);
	mnl_attr_nest_end(message, map);
	if (answer->qos != QOS_NONE) {
		map = mnl_attr_nest_start(message, IFLA_VLAN_EGRESS_QOS);
		if (answer->qos == QOS_MAP)
			mnl_attr_put(message, IFLA_VLAN_QOS_MAPPING, sizeof(mapping), &mapping);
		mnl_attr_nest_end(message, map);
	}
}

static void put_bond_data(struct nlmsghdr *message, const struct answer *answer)
{
	mnl_attr_put_u8(message, IFLA_BOND_MODE, answer->mode);
	mnl_attr_put_u32(message, IFLA_BOND_ACTIVE_SLAVE, 8);
	mnl_attr_put_u32(message, IFLA_BOND_MIIMON, 50);
	mnl_attr_put_u8(message, IFLA_BOND_XMIT_HASH_POLICY, answer->policy);
	mnl_attr_put_u8(message, IFLA_BOND_RESEND_IGMP, 1);
}

static void put_bridge_data(struct nlmsghdr *message, const struct answer *answer)
{
	if (answer->filter4)
		mnl_attr_put_u8(message, IFLA_BR_NF_CALL_IPTABLES, answer->filter4 == 2);
	mnl_attr_put_u8(message, IFLA_BR_NF_CALL_ARPTABLES, 1);
	if (answer->filter6)
		mnl_attr_put_u8(message, IFLA_BR_NF_CALL_IP6TABLES, answer->filter6 == 2);
}

static void put_data(struct nlmsghdr *message, const struct answer *answer)
{
	struct nlattr *data = mnl_attr_nest_start(message, IFLA_INFO_DATA);

	if (!strcmp(answer->kind, "bond"))
		put_bond_data(message, answer);
	else if (!strcmp(answer->kind, "bridge"))
		put_bridge_data(message, answer);
	else
		put_vlan_data(message, answer);
	mnl_attr_nest_end(message, data);
}

/* What a bond says of its member; a bridge's numbers mean other things. */
static void put_member(struct nlmsghdr *message, const struct answer *answer)
{
	struct nlattr *data;

	mnl_attr_put_strz(message, IFLA_INFO_SLAVE_KIND, answer->member_kind);
	data = mnl_attr_nest_start(message, IFLA_INFO_SLAVE_DATA);
	mnl_attr_put_u8(message, IFLA_BOND_SLAVE_STATE, answer->member_state);
	mnl_attr_put_u8(message, IFLA_BOND_SLAVE_MII_STATUS, 2);
	mnl_attr_nest_end(message, data);
}

static void put_info(struct nlmsghdr *message, const struct answer *answer)
{
	struct nlattr *info = mnl_attr_nest_start(message, IFLA_LINKINFO);

	if (answer->kind && answer->data_first)
		put_data(message, answer);
	if (answer->kind)
		mnl_attr_put_strz(message, IFLA_INFO_KIND, answer->kind);
	if (answer->kind && !answer->data_first)
		put_data(message, answer);
	if (answer->member_kind)
		put_member(message, answer);
	mnl_attr_nest_end(message, info);
}

static void put_settings(struct nlmsghdr *message, uint16_t family, unsigned int count, int32_t hop_limit,
			 int32_t mtu)
{
	struct nlattr *nest = mnl_attr_nest_start(message, family);
	int32_t conf[64] = { 0 };

	conf[DEVCONF_HOPLIMIT] = hop_limit;
	conf[DEVCONF_MTU6] = mtu;
	mnl_attr_put_u32(message, IFLA_INET6_FLAGS, 0);
	mnl_attr_put(message, IFLA_INET6_CONF, count * sizeof(conf[0]), conf);
	mnl_attr_nest_end(message, nest);
}

static void put_link(struct nlmsghdr *message, const struct answer *answer)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 9 };
	struct ifinfomsg *header = mnl_nlmsg_put_extra_header(message, sizeof(*header));
	struct nlattr *info;

	message->nlmsg_type = RTM_NEWLINK;
	header->ifi_index = (int)answer->ifindex;
	header->ifi_type = ARPHRD_ETHER;
	header->ifi_flags = IFF_UP | IFF_RUNNING;
	mnl_attr_put_strz(message, IFLA_IFNAME, "eth0.7");
	mnl_attr_put_u32(message, IFLA_MTU, 1500);
	mnl_attr_put(message, IFLA_ADDRESS, sizeof(mac), mac);
	if (answer->lower)
		mnl_attr_put_u32(message, IFLA_LINK, answer->lower);
	if (answer->upper)
		mnl_attr_put_u32(message, IFLA_MASTER, answer->upper);
	if (answer->kind || answer->member_kind)
		put_info(message, answer);
	if (answer->elsewhere)
		mnl_attr_put_u32(message, IFLA_LINK_NETNSID, 0);
	/* IPv4's settings have the same numbers, and other meanings. */
	info = mnl_attr_nest_start(message, IFLA_AF_SPEC);
	if (answer->conf)
		put_settings(message, AF_INET6, answer->conf, 61, 1280);
	put_settings(message, AF_INET, 64, 99, 99);
	mnl_attr_nest_end(message, info);
}

int request_ask(struct mnl_socket *socket, struct nlmsghdr *request, mnl_cb_t parse, void *result)
{
	(void)socket;
	assert_int_equal(request->nlmsg_type, RTM_GETLINK);
	for (unsigned int i = 0; i < answer_count; i++) {
		char buffer[4096] = { 0 };
		struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);

		put_link(message, &answers[i]);
		assert_true(message->nlmsg_len < sizeof(buffer));
		assert_int_equal(parse(message, result), MNL_CB_OK);
	}
	return answer_error;
}

int request_ask_own(int family, struct nlmsghdr *request, mnl_cb_t parse, void *result)
{
	assert_int_equal(family, NETLINK_ROUTE);
	return request_ask(NULL, request, parse, result);
}

static struct link ask(struct answer answer)
{
	struct link link;

	answers[0] = answer;
	answer_count = 1;
	answer_error = 0;
	assert_int_equal(link_read(NULL, answer.ifindex, &link), 0);
	return link;
}

static void test_vlan(void **state)
{
	static const uint16_t ids[] = { 0, 1, 7, 100, 255, 256, 4094 };
	static const int protocols[] = { 0x8100, 0x88a8 };

	(void)state;
	for (size_t i = 0; i < COUNT(ids); i++) {
		for (size_t k = 0; k < COUNT(protocols); k++) {
			struct link link = ask((struct answer){
				.ifindex = 9, .lower = 7, .kind = "vlan", .protocol = protocols[k], .id = ids[i] });

			print_message("# VLAN %u, protocol %x\n", ids[i], (unsigned int)protocols[k]);
			assert_true(link.vlan);
			assert_int_equal(link.vlan_id, ids[i]);
			assert_int_equal(link.vlan_protocol, protocols[k]);
			assert_int_equal(link.lower, 7);
			assert_false(link.vlan_qos);
			/* The same numbers as a bond's. */
			assert_int_equal(link.bond_mode, 0);
			assert_true(link.up);
			assert_true(link.ethernet);
			assert_int_equal(link.mac[5], 9);
			assert_string_equal(link.name, "eth0.7");
		}
	}
}

static void test_vlan_any_order(void **state)
{
	struct link link = ask((struct answer){
		.ifindex = 9, .lower = 7, .kind = "vlan", .protocol = 0x8100, .id = 7, .data_first = true });

	(void)state;
	assert_true(link.vlan);
	assert_int_equal(link.vlan_id, 7);
}

static void test_vlan_priorities(void **state)
{
	struct answer answer = { .ifindex = 9, .lower = 7, .kind = "vlan", .protocol = 0x8100, .id = 7 };

	(void)state;
	answer.qos = QOS_EMPTY;
	assert_false(ask(answer).vlan_qos);
	answer.qos = QOS_MAP;
	assert_true(ask(answer).vlan_qos);
}

static void test_vlan_incomplete(void **state)
{
	struct link link;

	(void)state;
	link = ask((struct answer){ .ifindex = 9, .lower = 7, .kind = "vlan", .protocol = -1, .id = 7 });
	assert_true(link.vlan);
	assert_int_equal(link.vlan_protocol, 0);
	/* What is below it has another namespace's number. */
	link = ask((struct answer){
		.ifindex = 9, .lower = 7, .kind = "vlan", .protocol = 0x8100, .id = 7, .elsewhere = true });
	assert_true(link.vlan);
	assert_int_equal(link.lower, 0);
}

/* Numbers of the data mean other things in other kinds. */
static void test_not_a_vlan(void **state)
{
	static const char *const kinds[] = { NULL, "veth", "macvlan", "vxlan", "bond", "vlan2", "" };

	(void)state;
	for (size_t i = 0; i < COUNT(kinds); i++) {
		struct link link = ask((struct answer){
			.ifindex = 9, .lower = 7, .kind = kinds[i], .protocol = 0x8100, .id = 7, .qos = QOS_MAP });

		print_message("# kind %s\n", kinds[i] ? kinds[i] : "not in the message");
		assert_false(link.vlan);
		assert_int_equal(link.vlan_id, 0);
		assert_int_equal(link.vlan_protocol, 0);
		assert_false(link.vlan_qos);
		assert_int_equal(link.lower, 7);
	}
}

static void test_lower(void **state)
{
	(void)state;
	assert_int_equal(ask((struct answer){ .ifindex = 9 }).lower, 0);
	assert_int_equal(ask((struct answer){ .ifindex = 9, .lower = 9 }).lower, 0);
}

static void test_upper(void **state)
{
	(void)state;
	assert_int_equal(ask((struct answer){ .ifindex = 9 }).upper, 0);
	assert_int_equal(ask((struct answer){ .ifindex = 9, .lower = 7, .upper = 3 }).upper, 3);
}

static void test_kind(void **state)
{
	(void)state;
	assert_string_equal(ask((struct answer){ .ifindex = 9 }).kind, "");
	assert_string_equal(ask((struct answer){ .ifindex = 9, .kind = "vxlan" }).kind, "vxlan");
	assert_string_equal(ask((struct answer){ .ifindex = 9, .kind = "a-kind-that-is-longer" }).kind, "a-kind-that-is-");
}

static void test_bridge_filter(void **state)
{
	(void)state;
	assert_false(ask((struct answer){ .ifindex = 9, .kind = "bridge", .filter4 = 1, .filter6 = 1 }).bridge_filter);
	assert_true(ask((struct answer){ .ifindex = 9, .kind = "bridge", .filter4 = 2, .filter6 = 1 }).bridge_filter);
	assert_true(ask((struct answer){ .ifindex = 9, .kind = "bridge", .filter6 = 2 }).bridge_filter);
	assert_false(ask((struct answer){ .ifindex = 9, .kind = "vxlan", .filter4 = 2 }).bridge_filter);
}

static void test_veth(void **state)
{
	(void)state;
	assert_true(ask((struct answer){ .ifindex = 9, .lower = 7, .kind = "veth" }).veth);
	assert_false(ask((struct answer){ .ifindex = 9, .lower = 7, .kind = "macvlan" }).veth);
	assert_false(ask((struct answer){ .ifindex = 9, .lower = 7, .kind = "vlan", .protocol = 0x8100 }).veth);
	assert_false(ask((struct answer){ .ifindex = 9, .lower = 7 }).veth);
}

static void test_bond(void **state)
{
	static const uint8_t modes[] = { BOND_MODE_ROUNDROBIN, BOND_MODE_ACTIVEBACKUP, BOND_MODE_8023AD, BOND_MODE_ALB };

	(void)state;
	for (size_t i = 0; i < COUNT(modes); i++) {
		for (uint8_t policy = 0; policy < 6; policy++) {
			struct link link = ask((struct answer){
				.ifindex = 9, .kind = "bond", .mode = modes[i], .policy = policy, .data_first = policy % 2 });

			print_message("# mode %u, policy %u\n", modes[i], policy);
			assert_true(link.bond);
			assert_int_equal(link.bond_mode, modes[i]);
			assert_int_equal(link.bond_policy, policy);
			assert_string_equal(link.kind, "bond");
			assert_false(link.backup);
		}
	}
	assert_false(ask((struct answer){ .ifindex = 9, .kind = "team", .protocol = 0x8100 }).bond);
	assert_int_equal(ask((struct answer){ .ifindex = 9, .kind = "team", .protocol = 0x8100 }).bond_mode, 0);
}

static void test_bond_member(void **state)
{
	struct answer answer = { .ifindex = 9, .upper = 3, .member_kind = "bond", .member_state = BOND_STATE_BACKUP };

	(void)state;
	assert_true(ask(answer).backup);
	assert_int_equal(ask(answer).upper, 3);
	/* A network card is of no kind. */
	assert_string_equal(ask(answer).kind, "");
	assert_false(ask(answer).bond);
	answer.member_state = BOND_STATE_ACTIVE;
	assert_false(ask(answer).backup);
	answer.member_state = BOND_STATE_BACKUP;
	answer.kind = "veth";
	assert_true(ask(answer).backup);
	assert_true(ask(answer).veth);
	/* A bridge's port says other things by the same numbers. */
	answer.member_kind = "bridge";
	assert_false(ask(answer).backup);
}

static void test_ipv6_settings(void **state)
{
	static const unsigned int counts[] = { 0, 1, 2, 3, 10, 64 };

	(void)state;
	for (size_t i = 0; i < COUNT(counts); i++) {
		struct link link = ask((struct answer){ .ifindex = 9, .conf = counts[i] });

		print_message("# %u settings\n", counts[i]);
		/* None, or too few of them to know. */
		assert_int_equal(link.hop_limit6, counts[i] >= 3 ? 61 : 0);
		assert_int_equal(link.mtu6, counts[i] >= 3 ? 1280 : 0);
	}
}

static uint32_t seen[8];
static unsigned int seen_count;

static void see(const struct link *link, void *data)
{
	assert_ptr_equal(data, &seen_count);
	/* Nothing is left from the one before. */
	assert_int_equal(link->vlan, link->ifindex % 2);
	assert_int_equal(link->vlan_id, link->ifindex % 2 ? link->ifindex : 0);
	seen[seen_count++] = link->ifindex;
}

static void test_links(void **state)
{
	(void)state;
	answer_count = COUNT(answers);
	for (uint32_t i = 0; i < answer_count; i++)
		answers[i] = (struct answer){ .ifindex = 10 + i, .kind = i % 2 ? "vlan" : "veth",
					      .protocol = 0x8100, .id = (uint16_t)(10 + i) };
	seen_count = 0;
	assert_int_equal(link_each(see, &seen_count), 0);
	assert_int_equal(seen_count, COUNT(answers));
	for (uint32_t i = 0; i < seen_count; i++)
		assert_int_equal(seen[i], 10 + i);
	answer_error = -EINTR;
	seen_count = answer_count = 0;
	assert_int_equal(link_each(see, &seen_count), -EINTR);
	answer_error = 0;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vlan),
		cmocka_unit_test(test_vlan_any_order),
		cmocka_unit_test(test_vlan_priorities),
		cmocka_unit_test(test_vlan_incomplete),
		cmocka_unit_test(test_not_a_vlan),
		cmocka_unit_test(test_lower),
		cmocka_unit_test(test_upper),
		cmocka_unit_test(test_kind),
		cmocka_unit_test(test_bridge_filter),
		cmocka_unit_test(test_veth),
		cmocka_unit_test(test_bond),
		cmocka_unit_test(test_bond_member),
		cmocka_unit_test(test_ipv6_settings),
		cmocka_unit_test(test_links),
	};

	return cmocka_run_group_tests_name("link", tests, NULL, NULL);
}
