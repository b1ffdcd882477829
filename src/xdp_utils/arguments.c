/* SPDX-License-Identifier: BSD-3-Clause */
#include "arguments.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture.h"
#include "help.h"
#include "number.h"
#include "verdict_set.h"

#define DEFAULT_ADDRESS "127.0.0.1"
#define DEFAULT_PORT 9642
#define CAPTURE_BUFFER (8u << 20)

enum long_only {
	OPTION_CLIENT = 256,
	OPTION_RELAY,
	OPTION_PEER,
	OPTION_NUMBER,
	OPTION_USER,
	OPTION_SESSION,
	OPTION_ONCE,
	OPTION_CHANNELS,
	OPTION_ORIGIN,
	OPTION_CONFIG,
	OPTION_COUNT,
	OPTION_SORT,
	OPTION_SNAPLEN,
	OPTION_VERDICT,
};

static const struct option options[] = {
	{ "pid", required_argument, NULL, 'p' },
	{ "config", required_argument, NULL, OPTION_CONFIG },
	{ "json", no_argument, NULL, 'j' },
	{ "interval", required_argument, NULL, 'i' },
	{ "all", no_argument, NULL, 'a' },
	{ "sort", required_argument, NULL, OPTION_SORT },
	{ "reverse", no_argument, NULL, 'r' },
	{ "lines", required_argument, NULL, 'n' },
	{ "client", required_argument, NULL, OPTION_CLIENT },
	{ "relay", required_argument, NULL, OPTION_RELAY },
	{ "peer", required_argument, NULL, OPTION_PEER },
	{ "number", required_argument, NULL, OPTION_NUMBER },
	{ "user", required_argument, NULL, OPTION_USER },
	{ "session", required_argument, NULL, OPTION_SESSION },
	{ "listen", required_argument, NULL, 'l' },
	{ "once", no_argument, NULL, OPTION_ONCE },
	{ "channels", no_argument, NULL, OPTION_CHANNELS },
	{ "origin", required_argument, NULL, OPTION_ORIGIN },
	{ "write", required_argument, NULL, 'w' },
	{ "snaplen", required_argument, NULL, OPTION_SNAPLEN },
	{ "count", required_argument, NULL, OPTION_COUNT },
	{ "time", required_argument, NULL, 't' },
	{ "buffer", required_argument, NULL, 'B' },
	{ "verdict", required_argument, NULL, OPTION_VERDICT },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

static int parse_command(const char *word, enum command *command)
{
	static const char *const words[COMMANDS] = { "status", "channels", "top", "metrics", "list", "check",
						     "capture" };

	for (int i = 0; i < COMMANDS; i++) {
		if (!strcmp(word, words[i])) {
			*command = i;
			return 0;
		}
	}
	fprintf(stderr, PROGRAM ": there is no command '%s'\n", word);
	return -EINVAL;
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

/* Reads 127.0.0.1:9642, [::1]:9642, :9642, a port alone, or an address alone. */
static int parse_listen(const char *text, struct arguments *arguments)
{
	struct pattern pattern;
	unsigned long port;

	if (!number_parse(text, 10, 1, UINT16_MAX, &port)) {
		arguments->port = (uint16_t)port;
		return 0;
	}
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

/* An origin of RFC 6454, section 6.2: "null", or a scheme, a host and maybe a port. It goes into a header as it is. */
static int parse_origin(const char *text, struct arguments *arguments)
{
	bool is_null = !strcmp(text, "null");
	const char *host = strstr(text, "://");

	if (!is_null && (!host || host == text || !host[3] || strpbrk(host + 3, "/?#")))
		return -EINVAL;
	for (const char *at = text; *at; at++) {
		if (*at <= ' ' || *at > '~')
			return -EINVAL;
	}
	arguments->origin = text;
	return 0;
}

/* Reads the size of the buffer in KiB: a power of 2, as ring buffers are, and of whole pages. */
static int parse_buffer(const char *text, uint32_t *buffer)
{
	unsigned long kib;

	if (number_parse(text, 10, (unsigned long)sysconf(_SC_PAGESIZE) / 1024, 1 << 20, &kib) || kib & (kib - 1))
		return -EINVAL;
	*buffer = (uint32_t)kib * 1024;
	return 0;
}

/* Takes an option of capture. 0, or -EINVAL if it cannot have this value. */
static int take_capture(struct capture_arguments *capture, int option, const char *value)
{
	unsigned long number = 0;
	int error;

	switch (option) {
	case 'w':
		capture->file = value;
		return 0;
	case OPTION_COUNT:
		error = number_parse(value, 10, 1, UINT32_MAX, &number);
		capture->count = number;
		return error;
	case 't':
		return parse_interval(value, &capture->seconds) || capture->seconds <= 0 ? -EINVAL : 0;
	case 'B':
		return parse_buffer(value, &capture->buffer);
	case OPTION_VERDICT:
		return verdict_set_add(value, &capture->verdicts);
	default:
		error = number_parse(value, 10, 1, CAPTURE_SNAP_MAX, &number);
		capture->snap = (uint32_t)number;
		return error;
	}
}

/* Takes an option. 0, or -EINVAL if it cannot have this value. */
static int take(struct arguments *arguments, int option, const char *value)
{
	unsigned long count = 0;
	int error = 0;

	switch (option) {
	case 'p':
		error = number_parse(value, 10, 1, UINT32_MAX, &count);
		arguments->pid = (uint32_t)count;
		return error;
	case OPTION_CONFIG:
		arguments->file = value;
		return 0;
	case 'j':
		arguments->json = true;
		return 0;
	case 'i':
		return parse_interval(value, &arguments->interval);
	case 'a':
		arguments->all = true;
		return 0;
	case OPTION_SORT:
		return sort_key_parse(value, &arguments->sort);
	case 'r':
		arguments->reverse = true;
		return 0;
	case 'n':
		error = number_parse(value, 10, 0, UINT32_MAX, &count);
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
		return filter_number_parse(value, &arguments->filter.number);
	case OPTION_USER:
		arguments->filter.user = value;
		return 0;
	case OPTION_SESSION:
		return filter_session_parse(value, &arguments->filter.session);
	case OPTION_ONCE:
		arguments->once = true;
		return 0;
	case OPTION_CHANNELS:
		arguments->each_channel = true;
		return 0;
	case OPTION_ORIGIN:
		return parse_origin(value, arguments);
	default:
		return take_capture(&arguments->capture, option, value);
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

static bool has_capture(const struct capture_arguments *capture)
{
	return capture->file || capture->snap || capture->count || capture->seconds > 0 || capture->buffer ||
	       capture->verdicts;
}

/* What capture does where it was not told otherwise. */
static void complete(struct capture_arguments *capture)
{
	if (!capture->snap)
		capture->snap = CAPTURE_SNAP_MAX;
	if (!capture->buffer)
		capture->buffer = CAPTURE_BUFFER;
	if (!capture->verdicts)
		capture->verdicts = verdict_set_of_channels();
}

static bool has_filter(const struct filter *filter)
{
	return filter->client.set || filter->relay.set || filter->peer.set || filter->number;
}

/* Options that the command does not have are mistakes, if they would change what is shown. */
static int check(const struct arguments *arguments)
{
	const char *why = NULL;

	if (arguments->command == COMMAND_METRICS && arguments->json)
		why = "metrics have a format of their own; 'status --json' shows the same figures as JSON";
	else if (arguments->command != COMMAND_CHANNELS && arguments->command != COMMAND_TOP &&
		 (arguments->filter.user || arguments->filter.session))
		why = "--user and --session are for the commands channels and top";
	else if (has_filter(&arguments->filter) && arguments->command != COMMAND_CHANNELS &&
		 arguments->command != COMMAND_TOP && arguments->command != COMMAND_CAPTURE)
		why = "--client, --relay, --peer and --number are for the commands channels, top and capture";
	else if (arguments->command == COMMAND_TOP && arguments->interval <= 0)
		why = "top needs an --interval above 0";
	else if (arguments->command != COMMAND_METRICS && (arguments->once || arguments->each_channel || arguments->origin))
		why = "--once, --channels and --origin are for the command metrics";
	else if (arguments->command != COMMAND_CHECK && arguments->file)
		why = "--config is for the command check";
	else if (arguments->file && arguments->pid)
		why = "either a file or a server can be checked: give --config or --pid";
	else if (arguments->command == COMMAND_CAPTURE && arguments->json)
		why = "capture writes no JSON; 'tshark -T json' makes it of what -w has written";
	else if (arguments->command != COMMAND_CAPTURE && has_capture(&arguments->capture))
		why = "--write, --snaplen, --count, --time, --buffer and --verdict are for the command capture";
	if (!why)
		return 0;
	fprintf(stderr, PROGRAM ": %s\n", why);
	return -EINVAL;
}

/* Takes -c and -s, which have a meaning by the command, and NULL where they were not given. */
static int take_by_command(struct arguments *arguments, const char *c, const char *s)
{
	bool capture = arguments->command == COMMAND_CAPTURE;
	const struct {
		int option;
		const char *value;
	} given[] = {
		{ capture ? OPTION_COUNT : OPTION_CONFIG, c },
		{ capture ? OPTION_SNAPLEN : OPTION_SORT, s },
	};

	for (int i = 0; i < 2; i++) {
		if (given[i].value && take(arguments, given[i].option, given[i].value)) {
			fprintf(stderr, PROGRAM ": --%s cannot be '%s'\n", name_of(given[i].option), given[i].value);
			return -EINVAL;
		}
	}
	return 0;
}

int arguments_parse(int argc, char *const *argv, struct arguments *arguments)
{
	const char *short_c = NULL, *short_s = NULL; /* what they are depends on the command */
	int option;

	*arguments = (struct arguments){ .interval = 1, .listen = DEFAULT_ADDRESS, .port = DEFAULT_PORT };
	while ((option = getopt_long(argc, argv, "p:c:ji:as:rn:l:w:t:B:hV", options, NULL)) != -1) {
		if (option == 'h' || option == 'V') {
			if (option == 'h')
				help_write(stdout);
			else
				help_write_version(stdout);
			return 1;
		}
		if (option == '?')
			goto hint;
		if (option == 'c' || option == 's') {
			*(option == 'c' ? &short_c : &short_s) = optarg;
			continue;
		}
		if (take(arguments, option, optarg)) {
			fprintf(stderr, PROGRAM ": --%s cannot be '%s'\n", name_of(option), optarg);
			goto hint;
		}
	}
	if (argc - optind > 1) {
		fprintf(stderr, PROGRAM ": there can be one command only, and '%s' is a second one\n", argv[optind + 1]);
		goto hint;
	}
	if (optind < argc && parse_command(argv[optind], &arguments->command))
		goto hint;
	if (take_by_command(arguments, short_c, short_s))
		goto hint;
	if (!check(arguments)) {
		complete(&arguments->capture);
		return 0;
	}
hint:
	fputs("'" PROGRAM " --help' shows commands and options\n", stderr);
	return -EINVAL;
}
