// SPDX-License-Identifier: BSD-3-Clause
/*
 * Throughput of one row: the generator at the client's interface and the sink
 * at the peer's, both read at the start and at the end of one window, together
 * with what the relay process and the machine used. Prints name=value words.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "generator.h"
#include "netns.h"
#include "sink.h"
#include "turn.h"
#include "verdicts.h"

/* After the generator has come to speed, and coturn's threads too. */
#define WARM_UP_SECONDS 0.5

struct options {
	const char *client_netns, *client_if, *server_netns, *server_if, *peer_netns, *peer_if;
	const char *server_mac, *flows, *peer;
	unsigned int peer_port, peer_ports, payload;
	double seconds;
	int cpu, offload;
	pid_t relay; /* 0: none */
};

/* All that is read at both ends of the window. */
struct sample {
	double time;                  /* seconds */
	double relay;                 /* CPU seconds of the relay process */
	double busy, softirq;         /* CPU seconds of the machine */
	unsigned long long offered;
	unsigned long long verdicts[VERDICT_ROW];
	struct sink_count sink;
};

static double seconds_of(clockid_t clock)
{
	struct timespec now = {};

	clock_gettime(clock, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

/* The first line of /proc/stat: user nice system idle iowait irq softirq steal. */
static void machine_read(double *busy, double *softirq)
{
	unsigned long long value[8] = {}, sum = 0;
	double tick = 1.0 / sysconf(_SC_CLK_TCK);
	FILE *file = fopen("/proc/stat", "r");

	if (!file)
		return;
	if (fscanf(file, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", value, value + 1, value + 2,
		   value + 3, value + 4, value + 5, value + 6, value + 7) == 8)
		sum = value[0] + value[1] + value[2] + value[5] + value[6];
	fclose(file);
	*busy = sum * tick;
	*softirq = value[6] * tick;
}

static int sample_read(const struct options *options, const struct generator *generator,
		       const struct sink *sink, int verdicts, struct sample *sample)
{
	clockid_t relay;
	int error;

	*sample = (struct sample){ .time = seconds_of(CLOCK_MONOTONIC) };
	sample->offered = generator_offered(generator);
	error = sink_read(sink, &sample->sink);
	if (!error && options->offload)
		error = verdicts_read(verdicts, sample->verdicts);
	/* All threads of the process, by the scheduler's clock and not by ticks. */
	if (!error && options->relay)
		error = -clock_getcpuclockid(options->relay, &relay);
	if (!error && options->relay)
		sample->relay = seconds_of(relay);
	machine_read(&sample->busy, &sample->softirq);
	return error;
}

static int report(const struct sample *from, const struct sample *to)
{
	double seconds = to->time - from->time;
	double sent = to->sink.packets - from->sink.packets, offered = to->offered - from->offered;
	double kernel = to->verdicts[VERDICT_TO_PEER] - from->verdicts[VERDICT_TO_PEER];
	double millions = sent / 1e6;

	if (to->sink.wrong || to->sink.sum_wrong) {
		fprintf(stderr, "throughput: wrong at the peer: %llu headers, %llu of %llu checksums\n",
			to->sink.wrong, to->sink.sum_wrong,
			to->sink.sum_wrong + to->sink.sum_full + to->sink.sum_partial);
		return 1;
	}
	if (sent <= 0 || offered <= 0) {
		fprintf(stderr, "throughput: of %.0f datagrams offered %.0f reached the peer\n", offered, sent);
		return 1;
	}
	printf("offered_pps=%.0f peer_pps=%.0f lost=%.5f kernel_share=%.5f", offered / seconds,
	       sent / seconds, offered > sent ? 1 - sent / offered : 0, kernel / sent);
	printf(" relay_cpu=%.6f softirq_cpu=%.4f machine_cpu=%.4f", (to->relay - from->relay) / millions,
	       (to->softirq - from->softirq) / millions, (to->busy - from->busy) / millions);
	printf(" sums_full=%llu sums_partial=%llu\n", to->sink.sum_full, to->sink.sum_partial);
	return 0;
}

static void wait_seconds(double seconds)
{
	usleep((useconds_t)(seconds * 1e6));
}

static int fail(const char *what, int error)
{
	fprintf(stderr, "throughput: %s: %s\n", what, strerror(-error));
	return 1;
}

static int measure(const struct options *options)
{
	const struct sockaddr_in peer = address_of(options->peer, options->peer_port);
	const struct generator_config config = {
		.flows = options->flows,
		.ifname = options->client_if,
		.server_mac = options->server_mac,
		.payload = options->payload,
		.cpu = options->cpu,
	};
	struct generator *generator = NULL;
	struct sink *sink = NULL;
	struct sample from, to;
	int verdicts = -1, error;

	error = netns_enter(options->peer_netns);
	if (!error)
		error = sink_open(options->peer_if, &peer, options->peer_ports, options->payload, &sink);
	if (error)
		return fail("sink", error);
	if (options->offload) {
		error = netns_enter(options->server_netns);
		verdicts = error ? error : verdicts_open(options->server_if);
		if (verdicts < 0)
			return fail("counters of the server's XDP program", verdicts);
	}
	error = netns_enter(options->client_netns);
	if (!error)
		error = generator_open(&config, &generator);
	if (!error)
		error = generator_start(generator);
	if (error)
		return fail("generator", error);

	wait_seconds(WARM_UP_SECONDS);
	error = sample_read(options, generator, sink, verdicts, &from);
	wait_seconds(options->seconds);
	if (!error)
		error = sample_read(options, generator, sink, verdicts, &to);
	if (error)
		return fail("sample", error);
	error = generator_stop(generator);
	if (error)
		return fail("live frames", error);
	generator_close(generator);
	sink_close(sink);
	return report(&from, &to);
}

int main(int argc, char **argv)
{
	struct options options = { .peer_ports = 1, .payload = 160, .seconds = 3 };
	int letter;

	while ((letter = getopt(argc, argv, "c:i:s:j:p:k:m:f:a:b:n:l:t:u:r:o")) != -1) {
		switch (letter) {
		case 'c': options.client_netns = optarg; break;
		case 'i': options.client_if = optarg; break;
		case 's': options.server_netns = optarg; break;
		case 'j': options.server_if = optarg; break;
		case 'p': options.peer_netns = optarg; break;
		case 'k': options.peer_if = optarg; break;
		case 'm': options.server_mac = optarg; break;
		case 'f': options.flows = optarg; break;
		case 'a': options.peer = optarg; break;
		case 'b': options.peer_port = atoi(optarg); break;
		case 'n': options.peer_ports = atoi(optarg); break;
		case 'l': options.payload = atoi(optarg); break;
		case 't': options.seconds = atof(optarg); break;
		case 'u': options.cpu = atoi(optarg); break;
		case 'r': options.relay = atoi(optarg); break;
		case 'o': options.offload = 1; break;
		default: return 2;
		}
	}
	if (!options.client_netns || !options.client_if || !options.server_netns || !options.server_if ||
	    !options.peer_netns || !options.peer_if || !options.server_mac || !options.flows ||
	    !options.peer || options.payload < PAYLOAD_MIN || options.payload > PAYLOAD_MAX ||
	    options.payload % 4) {
		fputs("throughput: see its call in bench/run.sh\n", stderr);
		return 2;
	}
	libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
	return measure(&options);
}
