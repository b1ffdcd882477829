/* SPDX-License-Identifier: BSD-3-Clause */
#include "captured.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "verdict.h"
#include "word.h"

int captured_read(const void *record, size_t size, struct captured *captured)
{
	const struct capture_record *head = record;
	const uint8_t *bytes = (const uint8_t *)(head + 1);

	if (size < sizeof(*head) || (uint64_t)head->in_kept + head->out_kept > size - sizeof(*head))
		return -EINVAL;
	*captured = (struct captured){ head, bytes, head->out_length ? bytes + head->in_kept : NULL };
	return 0;
}

struct text captured_verdict(const struct captured *captured)
{
	uint32_t verdict = captured->record->verdict;
	struct text word = { "unknown" };

	if (verdict < VERDICT_COUNT)
		return word_verdict(verdict);
	if (verdict < VERDICT_SLOTS)
		snprintf(word.text, sizeof(word.text), "verdict-%u", verdict);
	return word;
}

static const char *meaning(const struct captured *captured)
{
	if (captured->record->verdict < VERDICT_COUNT)
		return word_verdict_meaning(captured->record->verdict);
	return "this tool does not know the verdict";
}

static struct text end_text(const struct capture_end *end)
{
	struct transport transport = {
		.family = end->family == FLOW_KEY_V6 ? AF_INET6 : AF_INET,
		.port = ntohs(end->port),
		.address = end->address,
	};

	return unit_transport(&transport);
}

/* Writes of which channel it is, if any, and returns how many bytes that takes. */
static int describe_channel(const struct capture_channel *channel, const char *before, char *line, size_t size)
{
	if (!channel->number)
		return 0;
	return snprintf(line, size, "; %schannel 0x%04x, client %s, relay %s, peer %s", before, ntohs(channel->number),
			end_text(&channel->client).text, end_text(&channel->relay).text,
			end_text(&channel->peer).text);
}

void captured_describe(const struct captured *captured, char *line, size_t size)
{
	const struct capture_record *record = captured->record;
	int length = snprintf(line, size, "%s: %s", captured_verdict(captured).text, meaning(captured));

	if (length > 0 && (size_t)length < size)
		length += describe_channel(&record->channel, "", line + length, size - (size_t)length);
	if (length > 0 && (size_t)length < size)
		describe_channel(&record->other, "other ", line + length, size - (size_t)length);
}

static void read_ports(const uint8_t *at, struct transport *source, struct transport *destination)
{
	struct udphdr udp;

	memcpy(&udp, at, sizeof(udp));
	source->port = ntohs(udp.source);
	destination->port = ntohs(udp.dest);
}

static int read_v4(const uint8_t *at, const uint8_t *end, struct transport *source, struct transport *destination)
{
	struct iphdr ip;
	size_t length;

	if (end - at < (ptrdiff_t)sizeof(ip))
		return -ENOMSG;
	memcpy(&ip, at, sizeof(ip));
	length = ip.ihl * 4u;
	if (length < sizeof(ip) || ip.protocol != IPPROTO_UDP || ntohs(ip.frag_off) & 0x1fff ||
	    end - at < (ptrdiff_t)(length + sizeof(struct udphdr)))
		return -ENOMSG;
	*source = (struct transport){ .family = AF_INET, .address.v4 = ip.saddr };
	*destination = (struct transport){ .family = AF_INET, .address.v4 = ip.daddr };
	read_ports(at + length, source, destination);
	return 0;
}

static int read_v6(const uint8_t *at, const uint8_t *end, struct transport *source, struct transport *destination)
{
	struct ipv6hdr ip;

	if (end - at < (ptrdiff_t)(sizeof(ip) + sizeof(struct udphdr)))
		return -ENOMSG;
	memcpy(&ip, at, sizeof(ip));
	if (ip.nexthdr != IPPROTO_UDP)
		return -ENOMSG;
	*source = (struct transport){ .family = AF_INET6 };
	*destination = (struct transport){ .family = AF_INET6 };
	memcpy(&source->address, &ip.saddr, sizeof(ip.saddr));
	memcpy(&destination->address, &ip.daddr, sizeof(ip.daddr));
	read_ports(at + sizeof(ip), source, destination);
	return 0;
}

int captured_addresses(const uint8_t *frame, uint32_t kept, struct transport *source, struct transport *destination)
{
	const uint8_t *at = frame + offsetof(struct ethhdr, h_proto), *end = frame + kept;
	uint16_t protocol = 0;

	/* The type stands behind the tags. */
	for (int tags = 0; end - at >= 2 && tags <= ABI_TAGS; tags++, at += sizeof(struct vlan_tag)) {
		protocol = (uint16_t)(at[0] << 8 | at[1]);
		if (protocol != ETH_P_8021Q && protocol != ETH_P_8021AD)
			break;
	}
	at += sizeof(protocol);
	if (protocol == ETH_P_IP)
		return read_v4(at, end, source, destination);
	return protocol == ETH_P_IPV6 ? read_v6(at, end, source, destination) : -ENOMSG;
}

static void set_pattern(const struct pattern *pattern, struct capture_pattern *wanted)
{
	memset(wanted, 0, sizeof(*wanted));
	wanted->set = pattern->set;
	wanted->port = htons(pattern->port);
	if (!pattern->family)
		return;
	wanted->family = pattern->family == AF_INET6 ? FLOW_KEY_V6 : FLOW_KEY_V4;
	wanted->address = pattern->address;
	for (unsigned int i = 0; i < pattern->bits; i++)
		wanted->mask.v6[i / 8] |= (uint8_t)(0x80 >> i % 8);
}

void captured_filter(const struct filter *filter, uint32_t verdicts, struct capture_filter *wanted)
{
	memset(wanted, 0, sizeof(*wanted));
	set_pattern(&filter->client, &wanted->client);
	set_pattern(&filter->relay, &wanted->relay);
	set_pattern(&filter->peer, &wanted->peer);
	wanted->number = htons(filter->number);
	wanted->verdicts = verdicts;
}
