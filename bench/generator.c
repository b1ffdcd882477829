// SPDX-License-Identifier: BSD-3-Clause
#define _GNU_SOURCE
#include "generator.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/udp.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "frame.h"
#include "generator.skel.h"

/* Below the 256 slots of a veth ring and the most that a test run takes. */
#define BATCH 64

struct frame {
	struct ethhdr eth;
	struct iphdr ip;
	struct udphdr udp;
	uint8_t data[4 + PAYLOAD_MAX]; /* the ChannelData header first, if any */
} __attribute__((packed));

struct generator {
	struct generator_bpf *skel;
	struct frame frame;
	unsigned int size;
	int cpu, result;
	pthread_t thread;
};

/* Internet checksum (RFC 1071) of whole 16 bit words, continued from `sum`. */
static uint32_t sum_add(uint32_t sum, const void *data, size_t size)
{
	const uint8_t *at = data;

	for (size_t i = 0; i + 1 < size; i += 2)
		sum += at[i] << 8 | at[i + 1];
	return sum;
}

static uint16_t sum_fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons(~sum);
}

static int frame_ethernet(struct frame *frame, const struct generator_config *config)
{
	unsigned char *mac = frame->eth.h_dest;
	struct ifreq request = {};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), error = 0;

	if (fd < 0)
		return -errno;
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", config->ifname);
	if (ioctl(fd, SIOCGIFHWADDR, &request))
		error = -errno;
	close(fd);
	memcpy(frame->eth.h_source, request.ifr_hwaddr.sa_data, ETH_ALEN);
	frame->eth.h_proto = htons(ETH_P_IP);
	if (sscanf(config->server_mac, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", mac, mac + 1, mac + 2, mac + 3,
		   mac + 4, mac + 5) != ETH_ALEN)
		error = -EINVAL;
	return error;
}

/* Fills in what differs among flows, and the checksums. Returns the frame's size. */
static unsigned int frame_fill(struct frame *frame, unsigned int payload, const char *from,
			       unsigned int from_port, const char *to, unsigned int to_port,
			       unsigned int channel)
{
	unsigned int header = channel ? 4 : 0, udp_length = sizeof(frame->udp) + header + payload;
	uint16_t channel_header[2] = { htons(channel), htons(payload) };

	memset(frame->data, PAYLOAD_BYTE, sizeof(frame->data));
	memcpy(frame->data, channel_header, header);
	frame->ip = (struct iphdr){
		.version = 4,
		.ihl = 5,
		.tot_len = htons(sizeof(frame->ip) + udp_length),
		.frag_off = htons(0x4000),
		.ttl = 64,
		.protocol = IPPROTO_UDP,
	};
	inet_pton(AF_INET, from, &frame->ip.saddr);
	inet_pton(AF_INET, to, &frame->ip.daddr);
	frame->ip.check = sum_fold(sum_add(0, &frame->ip, sizeof(frame->ip)));
	frame->udp = (struct udphdr){
		.source = htons(from_port),
		.dest = htons(to_port),
		.len = htons(udp_length),
	};
	frame->udp.check = sum_fold(sum_add(sum_add(IPPROTO_UDP + udp_length, &frame->ip.saddr, 8),
					    &frame->udp, udp_length));
	if (!frame->udp.check)
		frame->udp.check = 0xffff;
	return sizeof(frame->eth) + sizeof(frame->ip) + udp_length;
}

/* Reads a flow; 1, or 0 at the end of the file, or -EINVAL. */
static int flow_read(FILE *file, struct generator *generator, unsigned int payload)
{
	unsigned int from_port, to_port, channel;
	char line[256], from[16], to[16];

	if (!fgets(line, sizeof(line), file) || !strcmp(line, "ready\n"))
		return 0;
	if (sscanf(line, "%15s %u %15s %u %u", from, &from_port, to, &to_port, &channel) != 5)
		return -EINVAL;
	generator->size = frame_fill(&generator->frame, payload, from, from_port, to, to_port, channel);
	return 1;
}

static int flows_count(FILE *file)
{
	char line[256];
	int count = 0;

	while (fgets(line, sizeof(line), file))
		count += strcmp(line, "ready\n") != 0;
	rewind(file);
	return count;
}

/* The heads differ by flow; all that comes after them is the same in all. */
static int heads_fill(FILE *file, struct generator *generator, unsigned int payload)
{
	int error, fd = bpf_map__fd(generator->skel->maps.heads);

	for (__u32 i = 0; (error = flow_read(file, generator, payload)) > 0; i++)
		if (bpf_map_update_elem(fd, &i, &generator->frame, 0))
			return -errno;
	return error;
}

int generator_open(const struct generator_config *config, struct generator **out)
{
	struct generator *generator = calloc(1, sizeof(*generator));
	FILE *file = fopen(config->flows, "r");
	struct generator_bpf *skel = NULL;
	int count, error = -ENOMEM;

	if (!generator)
		goto fail;
	error = -ENOENT;
	if (!file)
		goto fail;
	generator->cpu = config->cpu;
	error = frame_ethernet(&generator->frame, config);
	if (error)
		goto fail;
	count = flows_count(file);
	error = -EINVAL;
	if (count < 1)
		goto fail;
	error = -errno;
	skel = generator->skel = generator_bpf__open();
	if (!skel)
		goto fail;
	skel->rodata->head_count = count;
	skel->rodata->out_ifindex = if_nametoindex(config->ifname);
	error = bpf_map__set_max_entries(skel->maps.heads, count);
	if (!error)
		error = generator_bpf__load(skel);
	if (!error)
		error = heads_fill(file, generator, config->payload);
	if (error)
		goto fail;
	fclose(file);
	*out = generator;
	return 0;
fail:
	if (file)
		fclose(file);
	generator_close(generator);
	return error;
}

/* Only there to interrupt the system call below. */
static void on_signal(int number)
{
	(void)number;
}

static void *generator_run(void *argument)
{
	struct generator *generator = argument;
	cpu_set_t cpus;
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = &generator->frame,
		    .data_size_in = generator->size, .repeat = 0x7fffffff, .batch_size = BATCH,
		    .flags = BPF_F_TEST_XDP_LIVE_FRAMES);

	CPU_ZERO(&cpus);
	CPU_SET(generator->cpu, &cpus);
	if (pthread_setaffinity_np(pthread_self(), sizeof(cpus), &cpus)) {
		generator->result = -EINVAL;
		return NULL;
	}
	if (bpf_prog_test_run_opts(bpf_program__fd(generator->skel->progs.generate), &options))
		generator->result = errno == EINTR ? 0 : -errno;
	return NULL;
}

int generator_start(struct generator *generator)
{
	struct sigaction action = { .sa_handler = on_signal };

	sigaction(SIGUSR1, &action, NULL);
	return -pthread_create(&generator->thread, NULL, generator_run, generator);
}

unsigned long long generator_offered(const struct generator *generator)
{
	return *(volatile __u64 *)&generator->skel->bss->offered;
}

int generator_stop(struct generator *generator)
{
	pthread_kill(generator->thread, SIGUSR1);
	pthread_join(generator->thread, NULL);
	return generator->result;
}

void generator_close(struct generator *generator)
{
	if (!generator)
		return;
	generator_bpf__destroy(generator->skel);
	free(generator);
}
