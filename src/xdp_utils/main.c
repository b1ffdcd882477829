/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * turnutils_xdp shows what the kernel relays for turnserver. It only reads the tables
 * that the server and its XDP program share, and the server does not notice. `check` looks
 * at the host instead, and at what the server is started with. `capture` also has the kernel
 * run tracing programs around the XDP program, for as long as it runs.
 */
#include <stdio.h>
#include <stdlib.h>

#include "arguments.h"
#include "capture_run.h"
#include "channels_json.h"
#include "channels_text.h"
#include "check.h"
#include "choose.h"
#include "export.h"
#include "list.h"
#include "sample.h"
#include "status_json.h"
#include "status_text.h"
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
		channels_json_write(&json, &snapshot, arguments->lines);
	else if (arguments->command == COMMAND_CHANNELS)
		channels_text_write(stdout, &snapshot, arguments->lines, 0);
	else if (arguments->json)
		status_json_write(&json, &snapshot);
	else
		status_text_write(stdout, &snapshot, arguments->all);
	if (arguments->json)
		putchar('\n');
	snapshot_free(&snapshot);
	return 0;
}

static int run(const struct arguments *arguments)
{
	switch (arguments->command) {
	case COMMAND_TOP:
		return top_run(arguments);
	case COMMAND_METRICS:
		return export_run(arguments);
	case COMMAND_CHECK:
		return check_run(arguments);
	case COMMAND_CAPTURE:
		return capture_run(arguments);
	case COMMAND_LIST:
		return list_run(arguments);
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
