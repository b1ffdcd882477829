/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/rules.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "netlink/request.h"

/* Since Linux 6.13 and 6.14; older headers do not have them. */
#define RULE_DSCP 25
#define RULE_FLOWLABEL 26

#define TRIES 5

struct rule {
	char text[160]; /* as ip-rule(8) would show it */
	uint32_t priority;
	bool narrow; /* it looks at what the kernel is not asked by */
	bool user;   /* it looks at the user */
	bool others; /* packets that coturn sends cannot match it */
};

static void put(struct rule *rule, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put(struct rule *rule, const char *format, ...)
{
	size_t used = strlen(rule->text);
	va_list args;

	if (used && used + 1 < sizeof(rule->text))
		rule->text[used++] = ' ';
	va_start(args, format);
	vsnprintf(rule->text + used, sizeof(rule->text) - used, format, args);
	va_end(args);
}

static void put_address(struct rule *rule, const char *word, const struct nlattr *attribute, int family, unsigned int length)
{
	char address[INET6_ADDRSTRLEN];

	if (mnl_attr_get_payload_len(attribute) >= (family == AF_INET6 ? 16 : 4) &&
	    inet_ntop(family, mnl_attr_get_payload(attribute), address, sizeof(address)))
		put(rule, "%s %s/%u", word, address, length);
}

static void put_ports(struct rule *rule, const char *word, const struct nlattr *attribute)
{
	const struct fib_rule_port_range *range = mnl_attr_get_payload(attribute);

	rule->narrow = true;
	if (mnl_attr_get_payload_len(attribute) < sizeof(*range))
		return;
	if (range->start == range->end)
		put(rule, "%s %u", word, range->start);
	else
		put(rule, "%s %u-%u", word, range->start, range->end);
}

static void put_users(struct rule *rule, const struct nlattr *attribute)
{
	const struct fib_rule_uid_range *range = mnl_attr_get_payload(attribute);

	if (mnl_attr_get_payload_len(attribute) < sizeof(*range))
		return;
	rule->user = true;
	put(rule, "uidrange %u-%u", range->start, range->end);
}

static uint32_t number(const struct nlattr *attribute)
{
	switch (mnl_attr_get_payload_len(attribute)) {
	case 1:
		return mnl_attr_get_u8(attribute);
	case 4:
		return mnl_attr_get_u32(attribute);
	default:
		return 0;
	}
}

static void parse_attribute(struct rule *rule, const struct fib_rule_hdr *header, const struct nlattr *attribute)
{
	switch (mnl_attr_get_type(attribute)) {
	case FRA_SRC:
		put_address(rule, "from", attribute, header->family, header->src_len);
		break;
	case FRA_DST:
		put_address(rule, "to", attribute, header->family, header->dst_len);
		break;
	case FRA_PRIORITY:
		rule->priority = number(attribute);
		break;
	case FRA_FWMARK:
		rule->narrow = rule->narrow || number(attribute);
		if (number(attribute))
			put(rule, "fwmark 0x%x", number(attribute));
		break;
	case FRA_FWMASK:
		if (rule->narrow && number(attribute) != UINT32_MAX)
			put(rule, "mask 0x%x", number(attribute));
		break;
	case FRA_IIFNAME:
		/* What this host sends itself comes in by the loopback. */
		rule->others = rule->others || strcmp(mnl_attr_get_str(attribute), "lo") != 0;
		break;
	case FRA_OIFNAME:
		put(rule, "oif %s", mnl_attr_get_str(attribute));
		break;
	case FRA_TUN_ID:
		rule->others = true;
		break;
	case FRA_UID_RANGE:
		put_users(rule, attribute);
		break;
	case FRA_IP_PROTO:
		rule->others = rule->others || (number(attribute) && number(attribute) != IPPROTO_UDP);
		put(rule, "ipproto udp");
		break;
	case FRA_SPORT_RANGE:
		put_ports(rule, "sport", attribute);
		break;
	case FRA_DPORT_RANGE:
		put_ports(rule, "dport", attribute);
		break;
	case RULE_DSCP:
		rule->narrow = true;
		put(rule, "dscp %u", number(attribute));
		break;
	case RULE_FLOWLABEL:
		rule->narrow = true;
		put(rule, "flowlabel 0x%x", ntohl(number(attribute)));
		break;
	}
}

/* Reads the attributes in the order in which ip-rule(8) shows them. */
static void read_rule(struct rule *rule, const struct nlmsghdr *message)
{
	static const uint16_t order[] = { FRA_PRIORITY, FRA_SRC, FRA_DST, FRA_FWMARK, FRA_FWMASK, FRA_IIFNAME, FRA_OIFNAME,
					  FRA_TUN_ID, FRA_UID_RANGE, FRA_IP_PROTO, FRA_SPORT_RANGE, FRA_DPORT_RANGE, RULE_DSCP,
					  RULE_FLOWLABEL };
	const struct fib_rule_hdr *header = mnl_nlmsg_get_payload(message);
	const struct nlattr *attribute;
	uint32_t table = header->table;

	if (header->flags & FIB_RULE_INVERT)
		put(rule, "not");
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		mnl_attr_for_each(attribute, message, sizeof(*header)) {
			if (mnl_attr_get_type(attribute) == order[i])
				parse_attribute(rule, header, attribute);
			else if (mnl_attr_get_type(attribute) == FRA_TABLE)
				table = number(attribute);
		}
	}
	if (header->tos) {
		rule->narrow = true;
		put(rule, "tos 0x%02x", header->tos);
	}
	if (header->action == FR_ACT_TO_TBL)
		put(rule, "lookup %u", table);
}

static int parse(const struct nlmsghdr *message, void *result)
{
	const struct fib_rule_hdr *header = mnl_nlmsg_get_payload(message);
	const char *family = header->family == AF_INET6 ? "IPv6" : "IPv4";
	struct rule rule = { 0 };

	read_rule(&rule, message);
	if (rule.others)
		return MNL_CB_OK;
	if (rule.narrow)
		notes_add(result,
			  "packets that the kernel relays do not follow the routing rule \"%s\" (%s, priority %u), because they "
			  "are routed by their addresses alone; write it with addresses if it is to hold for them",
			  rule.text, family, rule.priority);
	else if (rule.user)
		notes_add(result,
			  "packets that the kernel relays follow the routing rule \"%s\" (%s, priority %u) as if all sockets had "
			  "been opened by the server's present user",
			  rule.text, family, rule.priority);
	return MNL_CB_OK;
}

static int ask(uint8_t family, struct notes *notes)
{
	char buffer[256] = { 0 };
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct fib_rule_hdr *header = mnl_nlmsg_put_extra_header(request, sizeof(*header));
	int error;

	request->nlmsg_type = RTM_GETRULE;
	request->nlmsg_flags = NLM_F_DUMP;
	header->family = family;
	error = request_ask_own(NETLINK_ROUTE, request, parse, notes);
	/* A kernel without this family, or without rules. */
	return error == -EAFNOSUPPORT || error == -EOPNOTSUPP ? 0 : error;
}

/* A rule that is read twice, because rules changed meanwhile, is noted once. */
static int ask_again(uint8_t family, struct notes *notes)
{
	int error = -EINTR;

	for (int i = 0; i < TRIES && error == -EINTR; i++)
		error = ask(family, notes);
	return error;
}

int rules_note(struct notes *notes)
{
	int error = ask_again(AF_INET, notes);
	int error6 = ask_again(AF_INET6, notes);

	return error ? error : error6;
}
