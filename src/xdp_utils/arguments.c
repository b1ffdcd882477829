/* SPDX-License-Identifier: BSD-3-Clause */
#include "arguments.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_ADDRESS "127.0.0.1"
#define DEFAULT_PORT 9642

static const char usage[] =
	"usage: " PROGRAM " [COMMAND] [OPTION]...\n"
	"\n"
	"Shows the TURN channels that the kernel relays for turnserver (xdp-offload).\n"
	"It only reads, and needs root, or CAP_SYS_ADMIN.\n"
	"\n"
	"Commands:\n"
	"  status      program, interfaces, tables and packets (without a command: this)\n"
	"  channels    each channel that is relayed in the kernel\n"
	"  top         the same, renewed; keys: s sort, r reverse, q quit\n"
	"  metrics     for Prometheus, by HTTP\n"
	"  list        the turnservers of this host\n"
	"\n"
	"Options:\n"
	"  -p, --pid PID          of this turnserver, where there are several\n"
	"  -j, --json             JSON instead of text\n"
	"  -i, --interval SEC     time between two looks, for rates (1; 0: no rates)\n"
	"  -a, --all              status: also the counters that are 0\n"
	"  -s, --sort KEY         channels, top: by rate, packets, bytes, age, client,\n"
	"                         relay, peer or number\n"
	"  -r, --reverse          the other way round\n"
	"  -n, --lines N          at most so many channels\n"
	"      --client ADDRESS   channels, top: of this client, relay or peer only:\n"
	"      --relay ADDRESS    192.0.2.1, 192.0.2.0/24, 192.0.2.1:3478, 2001:db8::/32,\n"
	"      --peer ADDRESS     [2001:db8::1]:3478, :3478\n"
	"      --number NUMBER    of this number, as 0x4000\n"
	"  -l, --listen ADDR:PORT metrics: where (127.0.0.1:9642)\n"
	"      --once             metrics: once, to standard output\n"
	"      --channels         metrics: series for each channel, too\n"
	"  -h, --help\n";

enum long_only { OPTION_CLIENT = 256, OPTION_RELAY, OPTION_PEER, OPTION_NUMBER, OPTION_ONCE, OPTION_CHANNELS };

static const struct option options[] = {
	{ "pid", required_argument, NULL, 'p' },
	{ "json", no_argument, NULL, 'j' },
	{ "interval", required_argument, NULL, 'i' },
	{ "all", no_argument, NULL, 'a' },
	{ "sort", required_argument, NULL, 's' },
	{ "reverse", no_argument, NULL, 'r' },
	{ "lines", required_argument, NULL, 'n' },
	{ "client", required_argument, NULL, OPTION_CLIENT },
	{ "relay", required_argument, NULL, OPTION_RELAY },
	{ "peer", required_argument, NULL, OPTION_PEER },
	{ "number", required_argument, NULL, OPTION_NUMBER },
	{ "listen", required_argument, NULL, 'l' },
	{ "once", no_argument, NULL, OPTION_ONCE },
	{ "channels", no_argument, NULL, OPTION_CHANNELS },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static int parse_command(const char *word, enum command *command)
{
	static const char *const words[COMMANDS] = { "status", "channels", "top", "metrics", "list" };

	for (int i = 0; i < COMMANDS; i++) {
		if (!strcmp(word, words[i])) {
			*command = i;
			return 0;
		}
	}
	fprintf(stderr, PROGRAM ": unknown command '%s'\n", word);
	return -EINVAL;
}

static int parse_count(const char *text, unsigned long most, unsigned long *count)
{
	char *end;

	errno = 0;
	*count = strtoul(text, &end, 10);
	return errno || *end || text[0] < '0' || text[0] > '9' || *count > most ? -EINVAL : 0;
}

static int parse_interval(const char *text, double *interval)
{
	char *end;
	double seconds = strtod(text, &end);

	if (*end || end == text || !isfinite(seconds) || seconds < 0 || seconds > 86400)
		return -EINVAL;
	*interval = seconds;
	return 0;
}

/* 127.0.0.1:9642, [::1]:9642, :9642, or an address alone. */
static int parse_listen(const char *text, struct arguments *arguments)
{
	struct pattern pattern;

	if (pattern_parse(text, &pattern))
		return -EINVAL;
	if (pattern.family && pattern.bits != (pattern.family == AF_INET6 ? 128 : 32))
		return -EINVAL;
	if (pattern.port)
		arguments->port = pattern.port;
	if (pattern.family)
		inet_ntop(pattern.family, &pattern.address, arguments->listen, sizeof(arguments->listen));
	return 0;
}

/* 0, or -EINVAL if the value is none. */
static int take(struct arguments *arguments, int option, const char *value)
{
	unsigned long count = 0;
	int error = 0;

	switch (option) {
	case 'p':
		error = parse_count(value, UINT32_MAX, &count);
		arguments->pid = (uint32_t)count;
		return error || !count ? -EINVAL : 0;
	case 'j':
		arguments->json = true;
		return 0;
	case 'i':
		return parse_interval(value, &arguments->interval);
	case 'a':
		arguments->all = true;
		return 0;
	case 's':
		return sort_key_parse(value, &arguments->sort);
	case 'r':
		arguments->reverse = true;
		return 0;
	case 'n':
		error = parse_count(value, UINT32_MAX, &count);
		arguments->lines = count;
		return error;
	case 'l':
		return parse_listen(value, arguments);
	case OPTION_CLIENT:
		return pattern_parse(value, &arguments->filter.client);
	case OPTION_RELAY:
		return pattern_parse(value, &arguments->filter.relay);
	case OPTION_PEER:
		return pattern_parse(value, &arguments->filter.peer);
	case OPTION_NUMBER:
		return number_parse(value, &arguments->filter.number);
	case OPTION_ONCE:
		arguments->once = true;
		return 0;
	default:
		arguments->each_channel = true;
		return 0;
	}
}

static const char *name_of(int option)
{
	for (size_t i = 0; options[i].name; i++) {
		if (options[i].val == option)
			return options[i].name;
	}
	return "";
}

/* Options that another command has are mistakes. */
static int check(const struct arguments *arguments)
{
	const char *why = NULL;

	if (arguments->command == COMMAND_METRICS && arguments->json)
		why = "metrics have a format of their own; 'status --json' has the same figures";
	else if (arguments->command == COMMAND_TOP && arguments->interval <= 0)
		why = "top wants an --interval above 0";
	else if (arguments->command != COMMAND_METRICS && (arguments->once || arguments->each_channel))
		why = "--once and --channels are for the command metrics";
	if (!why)
		return 0;
	fprintf(stderr, PROGRAM ": %s\n", why);
	return -EINVAL;
}

int arguments_parse(int argc, char *const *argv, struct arguments *arguments)
{
	int option;

	*arguments = (struct arguments){ .interval = 1, .listen = DEFAULT_ADDRESS, .port = DEFAULT_PORT };
	while ((option = getopt_long(argc, argv, "p:ji:as:rn:l:h", options, NULL)) != -1) {
		if (option == 'h') {
			fputs(usage, stdout);
			return 1;
		}
		if (option == '?')
			goto hint;
		if (take(arguments, option, optarg)) {
			fprintf(stderr, PROGRAM ": --%s: '%s' is no value for it\n", name_of(option), optarg);
			goto hint;
		}
	}
	if (argc - optind > 1) {
		fprintf(stderr, PROGRAM ": one command at a time: '%s'?\n", argv[optind + 1]);
		goto hint;
	}
	if (optind < argc && parse_command(argv[optind], &arguments->command))
		goto hint;
	if (!check(arguments))
		return 0;
hint:
	fputs("'" PROGRAM " --help' shows commands and options\n", stderr);
	return -EINVAL;
}
