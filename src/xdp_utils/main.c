/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * turnutils_xdp: what the kernel relays for turnserver. It only reads, from the
 * tables that the server and its XDP program share; the server does not notice.
 */
#include <stdio.h>
#include <stdlib.h>

#include "arguments.h"
#include "choose.h"
#include "export.h"
#include "sample.h"
#include "show.h"
#include "top.h"

static int show_one(const struct arguments *arguments)
{
	struct json json = { .out = stdout };
	struct snapshot snapshot;
	int status = sample_take(arguments, &snapshot);

	if (status)
		return status;
	sample_arrange(arguments, &snapshot);
	if (arguments->command == COMMAND_CHANNELS && arguments->json)
		write_channels(&json, &snapshot, arguments->lines);
	else if (arguments->command == COMMAND_CHANNELS)
		show_channels(stdout, &snapshot, arguments->lines, 0);
	else if (arguments->json)
		write_status(&json, &snapshot);
	else
		show_status(stdout, &snapshot, arguments->all);
	if (arguments->json)
		putchar('\n');
	snapshot_free(&snapshot);
	return 0;
}

static int list(const struct arguments *arguments)
{
	struct json json = { .out = stdout };
	struct server_list servers;
	int status = choose_list(&servers);

	if (status)
		return status;
	if (arguments->json) {
		write_servers(&json, &servers);
		putchar('\n');
	} else if (servers.count) {
		show_servers(stdout, &servers);
	}
	return servers.count ? 0 : choose_none();
}

static int run(const struct arguments *arguments)
{
	switch (arguments->command) {
	case COMMAND_TOP:
		return top_run(arguments);
	case COMMAND_METRICS:
		return export_run(arguments);
	case COMMAND_LIST:
		return list(arguments);
	default:
		return show_one(arguments);
	}
}

int main(int argc, char **argv)
{
	struct arguments arguments;
	int status = arguments_parse(argc, argv, &arguments);

	if (status)
		return status < 0 ? EXIT_USAGE : EXIT_SUCCESS;
	status = run(&arguments);
	if (fflush(stdout) || ferror(stdout)) {
		perror(PROGRAM);
		return EXIT_FAILURE;
	}
	return status;
}
