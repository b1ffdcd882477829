/* SPDX-License-Identifier: BSD-3-Clause */
/* What the command line asks for. */
#ifndef OFFLOAD_XDP_UTILS_ARGUMENTS_H
#define OFFLOAD_XDP_UTILS_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "select.h"

#define PROGRAM "turnutils_xdp"

enum command { COMMAND_STATUS, COMMAND_CHANNELS, COMMAND_TOP, COMMAND_METRICS, COMMAND_LIST, COMMANDS };

struct arguments {
	enum command command;
	uint32_t pid; /* 0: the only server there is */
	bool json;
	bool all;
	double interval; /* seconds between two looks, for rates; 0: one look */
	struct filter filter;
	enum sort_key sort;
	bool reverse;
	size_t lines; /* 0: all */
	bool once;
	bool each_channel;
	char listen[64]; /* an address */
	uint16_t port;
};

/** 0; 1 if all is said and done (--help); -EINVAL, having said why. */
int arguments_parse(int argc, char *const *argv, struct arguments *arguments);

#endif
