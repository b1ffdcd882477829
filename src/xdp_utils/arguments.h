/* SPDX-License-Identifier: BSD-3-Clause */
/* What the command line asks for. */
#ifndef OFFLOAD_XDP_UTILS_ARGUMENTS_H
#define OFFLOAD_XDP_UTILS_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "filter.h"
#include "sort.h"

#define PROGRAM "turnutils_xdp"

enum command {
	COMMAND_STATUS,
	COMMAND_CHANNELS,
	COMMAND_TOP,
	COMMAND_METRICS,
	COMMAND_LIST,
	COMMAND_CHECK,
	COMMAND_CAPTURE,
	COMMANDS,
};

struct capture_arguments {
	const char *file;  /* to write pcapng to; "-": standard output; NULL: lines of text */
	uint32_t snap;     /* bytes that are kept of a frame */
	uint64_t count;    /* packets; 0: no limit */
	double seconds;    /* 0: no limit */
	uint32_t buffer;   /* bytes between the kernel and the tool */
	uint32_t verdicts; /* a bit for each that is shown */
};

struct arguments {
	enum command command;
	uint32_t pid;     /* of the server; 0: the only one there is */
	const char *file; /* check: turnserver.conf; NULL: not given */
	bool json;
	bool all;        /* also counters that are 0 */
	double interval; /* seconds between two snapshots, for rates; 0: one snapshot */
	struct filter filter;
	enum sort_key sort;
	bool reverse;
	size_t lines;      /* at most so many channels; 0: all */
	bool once;         /* metrics: to standard output */
	bool each_channel; /* metrics: also of each channel */
	char listen[64];   /* metrics: an address to listen on */
	uint16_t port;
	const char *origin; /* metrics: pages of this origin may read them in a browser; NULL: none */
	struct capture_arguments capture;
};

/**
 * Reads the command line. 0; 1 if it asked for help or the version, which is then
 * written; -EINVAL if it has a mistake, which is then named on standard error.
 */
int arguments_parse(int argc, char *const *argv, struct arguments *arguments);

#endif
