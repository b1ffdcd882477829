/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The XDP program alone: nanoseconds per packet, by BPF_PROG_TEST_RUN. That runs
 * the program again and again on one frame, so every flow here leads to where
 * the next one begins: to a peer, back to a client, of one channel after the
 * other, in random order.
 *
 * usage: cost CLIENT-FAMILY PEER-FAMILY CHANNELS [PACKETS | table]
 *
 * With 0 packets it prints a figure for each line that it reads, so that
 * compare.sh can let two builds take turns. With "table" it prints how many
 * bytes the table of flows has for so many channels.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "abi.h"
#include "table/flow_table.h"
#include "turn.skel.h"

#define DATA 160
#define HOPS 4096
#define ROUND 65536 /* packets of one system call */

static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 };

static void fail(const char *what)
{
	fprintf(stderr, "cost: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t sum(const void *data, size_t length)
{
	const uint16_t *word = data;
	uint64_t all = 0;

	for (size_t i = 0; i < length / 2; i++)
		all += word[i];
	return all;
}

static uint16_t fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* One end of a datagram's way. */
struct end {
	union abi_addr address;
	uint16_t port;
};

static struct end end(int v6, int which, uint32_t channel)
{
	struct end end = { .port = htons((uint16_t)(1024 + channel % 60000)) };
	uint32_t host = htonl(0x0a000000 | (uint32_t)which << 20 | channel / 60000);

	if (v6) {
		end.address.word[0] = htonl(0x20010db8);
		end.address.word[3] = host;
	} else {
		end.address.v4 = host;
	}
	return end;
}

enum { CLIENT, SERVER, RELAY, PEER };

static char **arguments;

/* A table that is filled to the last flow has no room for about one in a million: other secret numbers have. */
static void start_again(void)
{
	execv("/proc/self/exe", arguments);
}

static struct flow_table table = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void put_flow(int v6_in, struct end from, struct end at, uint16_t number_in,
		     int v6_out, struct end out_from, struct end out_to, uint16_t number_out, uint32_t hop)
{
	union flow_any_key key = { .v4 = { .saddr = from.address.v4, .daddr = at.address.v4, .sport = from.port,
				      .dport = at.port, .channel = htons(number_in), .family = FLOW_KEY_V4 } };
	struct flow flow = {
		.saddr = out_from.address, .daddr = out_to.address,
		.sport = out_from.port, .dport = out_to.port, .channel = htons(number_out),
		.hop = hop % HOPS, .ttl = 64, .flags = FLOW_TTL_CONSTANT | (v6_out ? FLOW_V6 : 0),
	};
	uint32_t row;
	uint64_t added = sum(&flow.saddr, 16) + sum(&flow.daddr, 16) + flow.sport + flow.dport;
	uint64_t removed = sum(&from.address, 16) + sum(&at.address, 16) + from.port + at.port;

	if (v6_in) {
		key.v6 = (struct flow_key6){ .sport = from.port, .dport = at.port, .channel = htons(number_in),
					     .family = FLOW_KEY_V6 };
		memcpy(key.v6.saddr, &from.address, 16);
		memcpy(key.v6.daddr, &at.address, 16);
	}
	flow.udp_delta = fold(added + (uint16_t)~fold(removed));
	if (v6_out)
		flow.label = htonl(0x60000000);
	else
		flow.ip_sum = fold(htons(0x4500) + htons(17) + sum(&flow.saddr, 16) + sum(&flow.daddr, 16));
	errno = -flow_table_reserve(&table, v6_in ? AF_INET6 : AF_INET, &key, &row);
	if (errno == ENOSPC)
		start_again();
	if (errno)
		fail("flow");
	errno = -flow_table_write(&table, row, &flow);
	if (errno)
		fail("flow");
}

static uint16_t number_of(uint32_t channel)
{
	return (uint16_t)(0x4000 + channel % 0x4000);
}

/* Channels in a random circle. */
static void put_flows(int client_v6, int peer_v6, uint32_t channels, uint32_t *first)
{
	uint32_t *order = malloc(channels * sizeof(*order));

	if (!order)
		fail("memory");
	srandom(1);
	for (uint32_t i = 0; i < channels; i++)
		order[i] = i;
	for (uint32_t i = channels; i > 1; i--) {
		uint32_t k = (uint32_t)random() % i, swap = order[i - 1];

		order[i - 1] = order[k];
		order[k] = swap;
	}
	for (uint32_t i = 0; i < channels; i++) {
		uint32_t c = order[i], next = order[(i + 1) % channels];

		put_flow(client_v6, end(client_v6, CLIENT, c), end(client_v6, SERVER, 0), number_of(c),
			 peer_v6, end(peer_v6, RELAY, c), end(peer_v6, PEER, c), 0, 2 * c);
		put_flow(peer_v6, end(peer_v6, RELAY, c), end(peer_v6, PEER, c), 0, client_v6,
			 end(client_v6, CLIENT, next), end(client_v6, SERVER, 0), number_of(next), 2 * c + 1);
	}
	*first = order[0];
	free(order);
}

/* ChannelData of a channel, with a right checksum. */
static size_t make_frame(uint8_t *frame, int v6, uint32_t channel)
{
	struct end from = end(v6, CLIENT, channel), to = end(v6, SERVER, 0);
	size_t ip = v6 ? 40 : 20, udp = 14 + ip, total = udp + 8 + 4 + DATA;
	uint16_t length = htons(8 + 4 + DATA), word;

	memset(frame, 0, total);
	memcpy(frame, mac, 6);
	memcpy(frame + 6, mac, 6);
	memcpy(frame + 12, v6 ? "\x86\xdd" : "\x08\x00", 2);
	if (v6) {
		frame[14] = 0x60;
		memcpy(frame + 18, &length, 2);
		frame[20] = 17;
		frame[21] = 64;
		memcpy(frame + 22, &from.address, 16);
		memcpy(frame + 38, &to.address, 16);
	} else {
		frame[14] = 0x45;
		word = htons((uint16_t)(20 + 8 + 4 + DATA));
		memcpy(frame + 16, &word, 2);
		frame[22] = 64;
		frame[23] = 17;
		memcpy(frame + 26, &from.address.v4, 4);
		memcpy(frame + 30, &to.address.v4, 4);
		word = (uint16_t)~fold(sum(frame + 14, 20));
		memcpy(frame + 24, &word, 2);
	}
	memcpy(frame + udp, &from.port, 2);
	memcpy(frame + udp + 2, &to.port, 2);
	memcpy(frame + udp + 4, &length, 2);
	word = htons(number_of(channel));
	memcpy(frame + udp + 8, &word, 2);
	word = htons(DATA);
	memcpy(frame + udp + 10, &word, 2);
	for (int i = 0; i < DATA; i++)
		frame[udp + 12 + (size_t)i] = (uint8_t)i;
	word = (uint16_t)~fold(sum(&from.address, 16) + sum(&to.address, 16) + htons(17) + length +
			       sum(frame + udp, 8 + 4 + DATA));
	memcpy(frame + udp + 6, &word, 2);
	return total;
}

static void *share(const struct bpf_map *map, size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);

	if (memory == MAP_FAILED)
		fail("table");
	return memory;
}

static struct turn_bpf *load(uint32_t flows)
{
	struct turn_bpf *turn = turn_bpf__open();
	uint32_t cpus = (uint32_t)libbpf_num_possible_cpus(), rows = flow_table_slots(flows);
	struct flow_memory memory;

	if (!turn)
		fail("open");
	turn->rodata->flow_slots = rows;
	turn->rodata->flow_slot_stride = flow_stride(rows);
	if (getentropy((void *)turn->rodata->flow_seed, sizeof(turn->rodata->flow_seed)))
		fail("random numbers");
	bpf_map__set_max_entries(turn->maps.flows, rows);
	bpf_map__set_max_entries(turn->maps.words, rows);
	bpf_map__set_max_entries(turn->maps.notes, rows);
	bpf_map__set_max_entries(turn->maps.hops, HOPS);
	bpf_map__set_max_entries(turn->maps.verdicts, cpus);
	if (turn_bpf__load(turn))
		fail("load");
	memory.slot = share(turn->maps.flows, (size_t)rows * sizeof(struct flow_slot));
	memory.words = share(turn->maps.words, (size_t)rows * sizeof(struct flow_words));
	memory.own6 = turn->data_own6->own6;
	errno = -flow_table_open(&table, &memory, rows, flows, (const uint64_t *)turn->rodata->flow_seed);
	if (errno)
		fail("table");
	return turn;
}

/* The interface, its next hops and a relay thread that lives for ever. */
static void set_up(struct turn_bpf *turn, uint32_t ifindex)
{
	struct hop hop = { .ifindex = ifindex, .mtu = 1500, .ttl = 64, .flags = HOP_TRANSMIT };
	struct hop_entry row = { .seq = 1, .egress = 0 };

	turn->bss->attachments[0].ifindex = turn->bss->attachments[0].device = ifindex;
	memcpy(turn->bss->attachments[0].mac, mac, sizeof(mac));
	turn->bss->deadlines[0] = UINT64_MAX;
	memcpy(hop.eth, mac, sizeof(mac));
	memcpy(hop.eth + sizeof(mac), mac, sizeof(mac));
	egress_write(&turn->data_egress->egresses[row.egress], &hop);
	hop_entry_write(&row, &hop);
	for (uint32_t i = 0; i < HOPS; i++) {
		if (bpf_map_update_elem(bpf_map__fd(turn->maps.hops), &i, &row, 0))
			fail("hop");
	}
}

/* Where a run ends, the next begins. */
struct run {
	int program;
	uint32_t ifindex;
	uint8_t frame[2048];
	size_t length;
};

/* Nanoseconds per packet over ROUND packets. */
static uint32_t run_round(struct run *run)
{
	struct xdp_md context = { .data_end = (uint32_t)run->length, .ingress_ifindex = run->ifindex };
	uint8_t out[sizeof(run->frame)];
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = run->frame, .data_size_in = (uint32_t)run->length,
		    .data_out = out, .data_size_out = sizeof(out), .ctx_in = &context,
		    .ctx_size_in = sizeof(context), .repeat = ROUND);

	if (bpf_prog_test_run_opts(run->program, &options))
		fail("run");
	if (options.retval != XDP_TX) {
		fprintf(stderr, "cost: a packet was not relayed (action %u)\n", options.retval);
		exit(1);
	}
	memcpy(run->frame, out, options.data_size_out);
	run->length = options.data_size_out;
	return options.duration;
}

/* After a turn of the other build's the first round warms up. */
static void take_turns(struct run *run)
{
	char line[16];

	setlinebuf(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		run_round(run);
		printf("%u\n", run_round(run));
	}
}

int main(int argc, char **argv)
{
	int client_v6 = argc > 1 && atoi(argv[1]) == 6, peer_v6 = argc > 2 && atoi(argv[2]) == 6;
	uint32_t channels = argc > 3 ? (uint32_t)atoi(argv[3]) : 0, first;
	uint64_t packets = argc > 4 ? strtoull(argv[4], NULL, 10) : 4000000;
	struct run run = { .ifindex = if_nametoindex("lo") };
	uint64_t nanoseconds = 0, rounds = packets / ROUND + 1;
	struct turn_bpf *turn;

	if (!channels) {
		fprintf(stderr, "usage: cost CLIENT-FAMILY PEER-FAMILY CHANNELS [PACKETS]\n");
		return 2;
	}
	arguments = argv;
	turn = load(2 * channels);
	set_up(turn, run.ifindex);
	put_flows(client_v6, peer_v6, channels, &first);
	if (argc > 4 && !strcmp(argv[4], "table")) {
		printf("%zu\n", (size_t)bpf_map__max_entries(turn->maps.flows) * bpf_map__value_size(turn->maps.flows));
		return 0;
	}
	run.program = bpf_program__fd(turn->progs.turn);
	run.length = make_frame(run.frame, client_v6, first);

	if (!packets) {
		take_turns(&run);
		return 0;
	}
	run_round(&run);
	for (uint64_t i = 0; i < rounds; i++)
		nanoseconds += run_round(&run);
	printf("%.1f\n", (double)nanoseconds / (double)rounds);
	return 0;
}
