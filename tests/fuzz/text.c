/* SPDX-License-Identifier: BSD-3-Clause */
/* A trial as text: comments for the reader, initialisers for the packet tests. */
#include <stdio.h>
#include <string.h>

#include "trial.h"

static void print_bytes(const char *name, const void *from, size_t length)
{
	const uint8_t *byte = from;

	printf("%s{", name);
	for (size_t i = 0; i < length; i++)
		printf("%s0x%02x", i ? ", " : "", byte[i]);
	printf("}");
}

static void print_flow(const struct flow_entry *entry)
{
	const struct flow *flow = &entry->flow;

	printf("\t{\n\t\t.family = %d,\n", entry->family);
	print_bytes("\t\t/* key */ .bytes = ", &entry->key,
		    entry->family == 6 ? sizeof(struct flow_key6) : sizeof(struct flow_key));
	printf(",\n\t\t.flow = {\n");
	print_bytes("\t\t\t.saddr.v6 = ", flow->saddr.v6, 16);
	print_bytes(",\n\t\t\t.daddr.v6 = ", flow->daddr.v6, 16);
	/* Wire fields as they are stored here. */
	printf(",\n\t\t\t.sport = 0x%04x, .dport = 0x%04x, .channel = 0x%04x,\n", flow->sport,
	       flow->dport, flow->channel);
	printf("\t\t\t.hop = %u, .owner = %u, .ttl = %u,\n", flow->hop, flow->owner, flow->ttl);
	printf("\t\t\t.udp_delta = 0x%04x, .flags = 0x%x, .label = 0x%08x,\n", flow->udp_delta, flow->flags,
	       flow->label);
	printf("\t\t},\n\t}, /* ended %d; %u slots are before it: %s, bit %u */\n", entry->ended, entry->behind,
	       entry->before == BEFORE_ENDED ? "of the same key, ended" : "of others", entry->near);
}

static void print_hop(const struct world_hop *entry)
{
	const struct hop *hop = &entry->hop;

	printf("\t{.seq = 0x%x, .hop = {.ifindex = %u, .mtu = %u, .ttl = %u, .flags = %u,\n", entry->seq,
	       hop->ifindex, hop->mtu, hop->ttl, hop->flags);
	print_bytes("\t\t.eth = ", hop->eth, sizeof(hop->eth));
	printf(",\n\t\t.tag = {{0x%04x, 0x%04x}, {0x%04x, 0x%04x}}}},\n", hop->tag[0].protocol, hop->tag[0].tci,
	       hop->tag[1].protocol, hop->tag[1].tci);
}

static void print_world(const struct world *world)
{
	printf("/* flows */\n");
	for (int i = 0; i < FLOWS; i++)
		if (!world->flow[i].absent)
			print_flow(&world->flow[i]);
	printf("/* next hops */\n");
	for (int i = 0; i < HOPS; i++)
		print_hop(&world->hop[i]);
	printf("/* ports: the rest is other interfaces, or none */\n");
	for (int i = 0; i < ABI_PORTS; i++)
		if (world->port[i].ifindex == world->ingress || i == 0) {
			printf("\t[%d] = {.ifindex = %u, .device = %u, .generic = %u, ", i, world->port[i].ifindex,
			       world->port[i].device, world->port[i].generic);
			print_bytes(".mac = ", world->port[i].mac, 6);
			printf("},\n");
		}
	printf("/* vlans */\n");
	for (int i = 0; i < VLANS; i++)
		if (world->vlan[i].key.ifindex) {
			printf("\t{{%u, {0x%04x, 0x%04x}}, ", world->vlan[i].key.ifindex, world->vlan[i].key.id[0],
			       world->vlan[i].key.id[1]);
			print_bytes("{", world->vlan[i].vlan.mac, 6);
			printf("}},\n");
		}
	printf("/* ingress %u; devices %u %u %u; cpu %u; headroom %d, metadata %u, tailroom %u;\n",
	       world->ingress, world->device[0], world->device[1], world->device[2], world->cpu, world->headroom, world->metadata,
	       world->tailroom);
	printf(" * frags %u, data can move %u, coarse clock %u, tail fails %d, sums folded %d */\n", world->frags, world->can_move, world->coarse_clock,
	       world->tail_fails, world->sum_folded);
	for (int i = 0; i < FLOWS; i++)
		if (!world->flow[i].absent)
			printf("/* owner %u: %lld ns left; */\n", world->flow[i].flow.owner,
			       (long long)(world->deadline[world->flow[i].flow.owner] - world->now));
}

static void print_race(const struct race *race)
{
	static const char *const kind[RACES] = {
		"", "another flow of the same key", "a flow of another key", "its end", "another gate", "another next hop",
	};

	if (race->kind)
		printf("/* flow %d meets %s from load %u on, %u steps between two loads%s */\n", race->which,
		       kind[race->kind], race->first, race->pace, race->backwards ? ", backwards" : "");
}

static void print_frame(const char *name, const struct frame *frame)
{
	printf("/* %s: %u bytes, %u in the first buffer */\n", name, frame->length, frame->linear);
	for (uint32_t i = 0; i < frame->length; i++) {
		if (i % 32 == 0)
			printf("%s\t\"", i ? "\"\n" : "");
		else if (i % 4 == 0)
			printf(" ");
		printf("%02x", frame->byte[i]);
	}
	printf("\"\n");
}

static void print_difference(const struct frame *want, const struct frame *sent)
{
	uint32_t at = 0;

	while (at < want->length && at < sent->length && want->byte[at] == sent->byte[at])
		at++;
	if (at < want->length || at < sent->length)
		printf("/* they differ from byte %u on */\n", at);
}

static void print_counts(const struct trial *trial)
{
	for (int i = 0; i < FLOWS; i++) {
		const struct counts *counts[2] = {&trial->want.gained[i], &trial->outcome.gained[i]};

		for (int w = 0; w < 2; w++)
			if (counts[w]->packets || counts[w]->data || counts[w]->trimmed)
				printf("/* flow %d, %s: +%lld packets, +%lld data, %u trimmed */\n", i,
				       w ? "counted" : "wanted", (long long)counts[w]->packets,
				       (long long)counts[w]->data, counts[w]->trimmed);
	}
}

static void print_notes(const struct trial *trial)
{
	for (int i = 0; i < FLOWS; i++) {
		const struct noted *noted[2] = {&trial->want.noted[i], &trial->outcome.noted[i]};

		for (int w = 0; w < 2; w++)
			if (noted[w]->sampled || noted[w]->seen)
				printf("/* flow %d, %s: %s, places %#x seen */\n", i, w ? "noted" : "wanted if its gate is closed",
				       noted[w]->sampled ? "sampled" : "no sample", noted[w]->seen);
	}
}

void trial_print(const struct trial *trial, const char *complaint)
{
	const struct expectation *want = &trial->want;

	printf("/* %s */\n", complaint ? complaint : "as it must be");
	printf("/* wanted:");
	for (int i = 0; i < VERDICT_COUNT; i++)
		if (want->causes >> i & 1)
			printf(" %s", verdict_text(i));
	if (!want->causes)
		printf(" %s", verdict_text(want->verdict));
	printf(", action %d, to %u; got %s, action %d, to %u */\n", want->action, want->causes ? 0 : want->ifindex,
	       verdict_text(trial->outcome.verdict), trial->outcome.action, trial->outcome.ifindex);
	print_world(&trial->world);
	print_race(&trial->race);
	print_frame("in", &trial->frame);
	if (!want->causes)
		print_frame("wanted", &want->frame);
	print_frame("got", &trial->outcome.frame);
	print_difference(want->causes ? &trial->frame : &want->frame, &trial->outcome.frame);
	print_counts(trial);
	print_notes(trial);
}
