// SPDX-License-Identifier: BSD-3-Clause
/*
 * Throughput of one row: the generator at one end of the server or both, the
 * sink at the other, read at the start and at the end of one window, together
 * with what the relay process and the machine used. Prints name=value words.
 *
 * Offers as much as the generator can, or -R datagrams per second, with -I only when
 * nothing else wants the CPU; with -x it
 * then looks for the highest rate at which no more than one in a thousand is
 * lost (see lossless.c).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/libbpf.h>
#include <linux/bpf.h>

#include "generator.h"
#include "lossless.h"
#include "netns.h"
#include "sample.h"
#include "turn.h"

/* After the generator has come to speed, and coturn's threads too, if -W says nothing else. */
#define WARM_UP_SECONDS 0.4

/* The kernel needs some of it for itself (struct xdp_frame). */
#define HEADROOM_MIN 64

struct options {
	struct generator_config generator;
	const char *server_netns, *server_if;
	const char *address[WAYS]; /* of the ends: [TO_PEER] is the peer's */
	unsigned int port[WAYS], ports[WAYS];
	double seconds, rate, warm_up;
	int offload, search, skbs;
	pid_t relay;
};

static int report(const struct sample *from, const struct sample *to)
{
	double seconds = to->time - from->time;
	double sent = to->received - from->received, offered = to->offered - from->offered;
	double kernel = to->verdicts[VERDICT_TO_PEER] + to->verdicts[VERDICT_TO_CLIENT] -
			from->verdicts[VERDICT_TO_PEER] - from->verdicts[VERDICT_TO_CLIENT];
	double millions = sent / 1e6;
	unsigned long long wrong = 0, full = 0, partial = 0;

	for (int way = 0; way < WAYS; way++) {
		wrong += to->sink[way].wrong + to->sink[way].sum_wrong;
		full += to->sink[way].sum_full;
		partial += to->sink[way].sum_partial;
	}
	if (wrong) {
		fprintf(stderr, "throughput: %llu wrong headers or checksums at the ends, %llu right checksums\n",
			wrong, full + partial);
		return 1;
	}
	if (sent <= 0 || offered <= 0) {
		fprintf(stderr, "throughput: of %.0f datagrams offered %.0f arrived\n", offered, sent);
		return 1;
	}
	printf("offered_pps=%.0f peer_pps=%.0f lost=%.5f kernel_share=%.5f", offered / seconds,
	       sent / seconds, offered > sent ? 1 - sent / offered : 0, kernel / sent);
	printf(" relay_cpu=%.6f softirq_cpu=%.4f machine_cpu=%.4f relay_share=%.6f", (to->relay - from->relay) / millions,
	       (to->softirq - from->softirq) / millions, (to->busy - from->busy) / millions,
	       (to->relay - from->relay) / seconds);
	printf(" sample_pps=%.2f probation_pps=%.2f",
	       (to->verdicts[VERDICT_SAMPLE] - from->verdicts[VERDICT_SAMPLE]) / seconds,
	       (to->verdicts[VERDICT_PROBATION] - from->verdicts[VERDICT_PROBATION]) / seconds);
	printf(" sums_full=%llu sums_partial=%llu\n", full, partial);
	return 0;
}

static int fail(const char *what, int error)
{
	fprintf(stderr, "throughput: %s: %s\n", what, strerror(-error));
	return 1;
}

/* The sinks of the ways that are used. Data to clients has a ChannelData header, if there is a server. */
static int sinks_open(const struct options *options, struct sink *sink[WAYS])
{
	const struct generator_config *config = &options->generator;
	int error = 0;

	for (int way = 0; way < WAYS && !error; way++) {
		struct sockaddr_in first = address_of(options->address[way], options->port[way]);
		const struct generator_port *end = &config->port[way == TO_PEER ? TO_CLIENT : TO_PEER];

		if (!(config->ways & 1u << way))
			continue;
		error = netns_enter(end->netns);
		if (!error)
			error = sink_open(end->ifname, &first, options->ports[way],
					  config->payload + (way == TO_CLIENT && options->relay ? 4 : 0),
					  options->skbs, &sink[way]);
	}
	return error;
}

static int measure(const struct options *options)
{
	struct generator *generator = NULL;
	struct sink *sink[WAYS] = {};
	struct probes probes = { .verdicts = -1, .relay = options->relay };
	struct sample from, to;
	int error = sinks_open(options, sink), status;

	if (error)
		return fail("sink", error);
	if (options->offload) {
		probes.verdicts = verdicts_open(options->server_netns, options->server_if);
		if (probes.verdicts < 0)
			return fail("counters of the server's XDP program", probes.verdicts);
	}
	error = generator_open(&options->generator, &generator);
	if (!error)
		error = generator_start(generator);
	if (error)
		return fail("generator", error);
	probes.generator = generator;
	memcpy(probes.sink, sink, sizeof(sink));

	generator_rate(generator, options->rate > 0 ? options->rate : GENERATOR_ALL);
	usleep((useconds_t)(options->warm_up * 1e6));
	error = sample_read(&probes, &from);
	usleep((useconds_t)(options->seconds * 1e6));
	if (!error)
		error = sample_read(&probes, &to);
	if (error)
		return fail("sample", error);
	status = report(&from, &to);
	if (!status && options->search)
		status = lossless_report(generator, &probes, &from, &to);
	error = generator_stop(generator);
	if (error)
		return fail("live frames", error);
	generator_close(generator);
	for (int way = 0; way < WAYS; way++)
		sink_close(sink[way]);
	return status;
}

/* NAME=VALUE[,VALUE…] of the command line, in this order of letters. */
static int option_take(struct options *options, int letter, char *value)
{
	struct generator_config *config = &options->generator;
	char *word[4] = {};

	for (int i = 0; i < 4; i++)
		word[i] = i ? strtok(NULL, ",") : strtok(value, ",");
	switch (letter) {
	case 'c': config->port[TO_PEER] = (struct generator_port){ word[0], word[1], word[2] }; return 3;
	case 'p': config->port[TO_CLIENT] = (struct generator_port){ word[0], word[1], word[2] }; return 3;
	case 's': options->server_netns = word[0]; options->server_if = word[1]; return 2;
	case 'C': options->address[TO_CLIENT] = word[0]; options->port[TO_CLIENT] = atoi(word[1]);
		  options->ports[TO_CLIENT] = atoi(word[2]); return 3;
	case 'P': config->peer = options->address[TO_PEER] = word[0]; options->port[TO_PEER] = atoi(word[1]);
		  options->ports[TO_PEER] = atoi(word[2]); return 3;
	case 'y': config->relay = word[0]; return 1;
	case 'f': config->flows = word[0]; return 1;
	case 'w': config->ways = atoi(word[0]); return 1;
	case 'l': config->payload = atoi(word[0]); return 1;
	case 'u': config->cpu_first = atoi(word[0]); config->cpus = word[1] ? atoi(word[1]) : 1; return 1;
	case 't': options->seconds = atof(word[0]); return 1;
	case 'R': options->rate = atof(word[0]); return 1;
	case 'W': options->warm_up = atof(word[0]); return 1;
	case 'H': config->headroom = atoi(word[0]); return 1;
	case 'r': options->relay = atoi(word[0]); return 1;
	default: return 0;
	}
}

int main(int argc, char **argv)
{
	struct options options = { .generator = { .payload = 160, .ways = 1 << TO_PEER }, .seconds = 2,
				   .warm_up = WARM_UP_SECONDS };
	const struct generator_config *config = &options.generator;
	int letter;

	while ((letter = getopt(argc, argv, "c:p:s:C:P:y:f:w:l:u:t:R:W:H:r:oxIS")) != -1) {
		if (letter == 'o')
			options.offload = 1;
		else if (letter == 'I')
			options.generator.yields = 1;
		else if (letter == 'S')
			options.skbs = 1;
		else if (letter == 'x')
			options.search = 1;
		else if (letter == '?' || !option_take(&options, letter, optarg))
			return 2;
	}
	if (!config->port[TO_PEER].server_mac || !config->port[TO_CLIENT].server_mac || !options.server_if ||
	    !config->flows || !config->peer || !config->relay || !options.address[TO_CLIENT] ||
	    config->ways < 1 || config->ways > 3 || config->payload < PAYLOAD_MIN ||
	    config->payload > PAYLOAD_MAX || config->payload % 4 ||
	    (config->headroom && (config->headroom < HEADROOM_MIN || config->headroom > XDP_PACKET_HEADROOM))) {
		fputs("throughput: see its call in bench/lib/measure.py\n", stderr);
		return 2;
	}
	libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
	return measure(&options);
}
