/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/nftables.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "netlink/request.h"

/* NF_NETDEV_EGRESS (Linux 5.16), which older headers do not have. */
#define NETDEV_EGRESS 1

#define DUMP_PAUSE_NS 100000000ULL
/* While chains come and go the kernel interrupts its answer. */
#define TRIES 5
/* So many chains are named. */
#define NAMED 3

static struct {
	bool known;  /* the rest is what was read */
	bool absent; /* the kernel has answered that it has no nf_tables */
	uint32_t generation;
	uint64_t read_ns;
	uint32_t flags;
	unsigned int chains;
	char text[STATUS_LINE];
	struct notes notes; /* of chains on the way out of a device */
} nftables;

/* ---- one chain ---- */

struct chain {
	uint8_t family; /* NFPROTO_* */
	const char *table, *name, *type;
	bool is_base;
	uint32_t hook;
};

static void parse_hook(const struct nlattr *hook, struct chain *chain)
{
	const struct nlattr *attribute;

	mnl_attr_for_each_nested(attribute, hook) {
		if (mnl_attr_get_type(attribute) == NFTA_HOOK_HOOKNUM &&
		    mnl_attr_get_payload_len(attribute) >= sizeof(uint32_t)) {
			chain->is_base = true;
			chain->hook = ntohl(mnl_attr_get_u32(attribute));
		}
	}
}

static void parse_chain(const struct nlmsghdr *message, struct chain *chain)
{
	const struct nfgenmsg *header = mnl_nlmsg_get_payload(message);
	const struct nlattr *attribute;

	*chain = (struct chain){ .family = header->nfgen_family, .table = "", .name = "", .type = "" };
	mnl_attr_for_each(attribute, message, sizeof(*header)) {
		switch (mnl_attr_get_type(attribute)) {
		case NFTA_CHAIN_TABLE:
			chain->table = mnl_attr_get_str(attribute);
			break;
		case NFTA_CHAIN_NAME:
			chain->name = mnl_attr_get_str(attribute);
			break;
		case NFTA_CHAIN_TYPE:
			chain->type = mnl_attr_get_str(attribute);
			break;
		case NFTA_CHAIN_HOOK:
			parse_hook(attribute, chain);
			break;
		}
	}
}

/*
 * The flags of a base chain. One that only forwarded packets pass has none: what coturn relays
 * ends here and begins here. A chain without rules counts too: a rule may come at any time, and
 * a packet that is relayed by example is not lost. Chains of arp see no UDP. Those of bridge do:
 * an interface of the server may be a bridge, or a port of one, and its packets pass them.
 */
static uint32_t chain_flags(const struct chain *chain)
{
	uint32_t nat = strcmp(chain->type, "nat") ? 0 : SURVEY_NAT;

	if (!chain->is_base)
		return 0;
	switch (chain->family) {
	case NFPROTO_NETDEV:
		return SURVEY_EXAMINED;
	case NFPROTO_IPV4:
		return chain->hook == NF_INET_FORWARD ? 0 : (SURVEY_EXAMINED_V4 | (nat & SURVEY_NAT_V4));
	case NFPROTO_IPV6:
		return chain->hook == NF_INET_FORWARD ? 0 : (SURVEY_EXAMINED_V6 | (nat & SURVEY_NAT_V6));
	case NFPROTO_INET:
	case NFPROTO_BRIDGE:
		return chain->hook == NF_INET_FORWARD ? 0 : (SURVEY_EXAMINED | nat);
	default:
		return 0;
	}
}

static const char *family_name(uint8_t family)
{
	return family == NFPROTO_IPV4   ? "ip" :
	       family == NFPROTO_IPV6   ? "ip6" :
	       family == NFPROTO_INET   ? "inet" :
	       family == NFPROTO_BRIDGE ? "bridge" :
					  "netdev";
}

/* Who sends a packet is not told that such a chain has refused it. */
static void note_egress(const struct chain *chain)
{
	char what[192];

	snprintf(what, sizeof(what), "the egress chain %s of nf_tables' table netdev %s", chain->name, chain->table);
	notes_add_passed_by(&nftables.notes, what);
}

static int add_chain(const struct nlmsghdr *message, void *unused)
{
	size_t used = strlen(nftables.text);
	struct chain chain;
	uint32_t flags;

	(void)unused;
	parse_chain(message, &chain);
	flags = chain_flags(&chain);
	if (!flags)
		return MNL_CB_OK;
	nftables.flags |= flags;
	if (chain.family == NFPROTO_NETDEV && chain.hook == NETDEV_EGRESS)
		note_egress(&chain);
	if (nftables.chains++ < NAMED)
		snprintf(nftables.text + used, sizeof(nftables.text) - used, "%stable %s %s chain %s", used ? ", " : "",
			 family_name(chain.family), chain.table, chain.name);
	return MNL_CB_OK;
}

/* ---- questions ---- */

static struct nlmsghdr *put_request(char *buffer, uint16_t type)
{
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct nfgenmsg *header = mnl_nlmsg_put_extra_header(request, sizeof(*header));

	request->nlmsg_type = (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type);
	header->nfgen_family = NFPROTO_UNSPEC;
	header->version = NFNETLINK_V0;
	return request;
}

static int ask(uint16_t type, uint16_t flags, mnl_cb_t parse, void *result)
{
	char buffer[256] = { 0 };
	struct nlmsghdr *request = put_request(buffer, type);

	request->nlmsg_flags = flags;
	return request_ask_own(NETLINK_NETFILTER, request, parse, result);
}

static int parse_generation(const struct nlmsghdr *message, void *result)
{
	const struct nlattr *attribute;

	mnl_attr_for_each(attribute, message, sizeof(struct nfgenmsg)) {
		if (mnl_attr_get_type(attribute) == NFTA_GEN_ID && mnl_attr_get_payload_len(attribute) >= sizeof(uint32_t))
			*(uint32_t *)result = ntohl(mnl_attr_get_u32(attribute));
	}
	return MNL_CB_OK;
}

/*
 * Whether to ask at all. A question makes the kernel load the module nf_tables, each time anew
 * where there is no such module. So after the first "there is none" it is asked again
 * only when the module is there.
 */
static bool worth_asking(void)
{
	return !nftables.absent || !access("/sys/module/nf_tables", F_OK);
}

/* 0; -ENOENT if the kernel has no nf_tables; or another -errno. */
static int read_generation(uint32_t *generation)
{
	int error = worth_asking() ? ask(NFT_MSG_GETGEN, 0, parse_generation, generation) : -ENOENT;

	/* Without nf_tables, and without nfnetlink. */
	if (error == -EINVAL || error == -EPROTONOSUPPORT || error == -EOPNOTSUPP)
		error = -ENOENT;
	nftables.absent = error == -ENOENT;
	return error;
}

static int read_chains(void)
{
	int error = -EINTR;

	nftables.known = false;
	for (int i = 0; i < TRIES && error == -EINTR; i++) {
		nftables.flags = nftables.chains = 0;
		nftables.text[0] = '\0';
		memset(&nftables.notes, 0, sizeof(nftables.notes));
		error = ask(NFT_MSG_GETCHAIN, NLM_F_DUMP, add_chain, NULL);
	}
	nftables.read_ns = clock_monotonic_ns();
	nftables.known = !error;
	return error;
}

static void report(struct survey *survey)
{
	if (!nftables.chains)
		return;
	if (nftables.chains > NAMED)
		survey_found(survey, nftables.flags, "nf_tables: %s and %u more", nftables.text, nftables.chains - NAMED);
	else
		survey_found(survey, nftables.flags, "nf_tables: %s", nftables.text);
}

int nftables_look(struct survey *survey)
{
	uint32_t generation = 0;
	int error = read_generation(&generation);

	if (error)
		nftables.known = false;
	if (error == -ENOENT)
		return 0;
	survey_mix(survey, &generation, sizeof(generation));
	if (error)
		return error;
	if (!nftables.known || nftables.generation != generation) {
		if (nftables.read_ns && clock_monotonic_ns() - nftables.read_ns < DUMP_PAUSE_NS) {
			survey->again_ns = nftables.read_ns + DUMP_PAUSE_NS;
			/* What was read last says more of the host than the worst that could be. The chains are read soon. */
			survey_found(survey, SURVEY_EXAMINED | (nftables.known ? nftables.flags : SURVEY_NAT), "nf_tables: changes now");
			return 0;
		}
		/* The number was read before the chains: if they change meanwhile, they are read again. */
		nftables.generation = generation;
		error = read_chains();
	}
	if (!error)
		report(survey);
	return error;
}

void nftables_note(struct notes *notes)
{
	for (unsigned int i = 0; nftables.known && i < nftables.notes.count && i < NOTES_ROOM; i++)
		notes_add(notes, "%s", nftables.notes.note[i].text);
}

/* ---- events ---- */

struct mnl_socket *nftables_listen(void)
{
	int group = NFNLGRP_NFTABLES;
	struct mnl_socket *socket;
	uint32_t generation;

	/* To listen would load the module too. */
	if (read_generation(&generation))
		return NULL;
	socket = request_socket_open(NETLINK_NETFILTER, SOCK_NONBLOCK);
	if (socket && mnl_socket_setsockopt(socket, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0) {
		request_socket_close(socket);
		return NULL;
	}
	return socket;
}

static int parse_event(const struct nlmsghdr *message, void *heard)
{
	/* It is the last message of each transaction. */
	if (message->nlmsg_type == (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWGEN))
		*(bool *)heard = true;
	return MNL_CB_OK;
}

bool nftables_heard(struct mnl_socket *socket)
{
	char buffer[32768];
	bool heard = false;

	for (;;) {
		ssize_t size = mnl_socket_recvfrom(socket, buffer, sizeof(buffer));

		if (size > 0)
			mnl_cb_run(buffer, (size_t)size, 0, 0, parse_event, &heard);
		else if (size < 0 && errno == ENOBUFS)
			heard = true;
		else if (size == 0 || errno != EINTR)
			return heard;
	}
}

void nftables_forget(void)
{
	memset(&nftables, 0, sizeof(nftables));
}
