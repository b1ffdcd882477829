/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The options of the offload. They come from turnserver.conf and from the
 * command line, each read several times over by coturn; the command line wins.
 */
#ifndef OFFLOAD_BASE_OPTION_H
#define OFFLOAD_BASE_OPTION_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>

#include "abi.h"

#define OPTION_CHANNELS_DEFAULT 16384
#define OPTION_CHANNELS_MAX 1048576

enum option_mode { OPTION_MODE_AUTO, OPTION_MODE_NATIVE, OPTION_MODE_GENERIC };
enum option_source { OPTION_FILE, OPTION_ARGV, OPTION_SOURCES };

/* What one source says; what it does not say is 0, or -1 for a number. */
struct option_layer {
	int enabled;
	int required;
	int mode;
	long channels;
	unsigned int interfaces;
	char interface[ABI_ATTACHMENTS][IFNAMSIZ];
};

struct options {
	struct option_layer layer[OPTION_SOURCES];
	char error[256]; /* the first bad option, or empty */
};

/* What the options come to. */
struct settings {
	bool enabled;
	bool required;
	enum option_mode mode;
	unsigned int channels;
	unsigned int interfaces; /* 0: those that own the server's addresses */
	char interface[ABI_ATTACHMENTS][IFNAMSIZ];
	bool debug; /* log all that libbpf, libxdp and the verifier say; coturn's own option asks for it */
};

/* In the order of enum option_id. */
struct option_description {
	const char *name;
	int has_value; /* as getopt_long(3): 1 required, 2 optional */
	const char *help;
};

extern const struct option_description option_descriptions[];
extern const size_t option_count;

/** Forgets everything. */
void option_clear(struct options *options);

/**
 * Takes option number `id` of option_descriptions with its value (NULL: none).
 * Idempotent. 0, or -EINVAL with options->error saying what is allowed; the
 * first such error is kept, so that the offload does not start half configured.
 */
int option_set(struct options *options, enum option_source source, size_t id, const char *value);

/**
 * Takes a line of turnserver.conf. 0 if the option is one of ours (its value
 * may be bad: see options->error), -ENOENT if coturn must read the line.
 */
int option_read_line(struct options *options, const char *line);

/** Both sources in one; the command line wins, option by option. */
void option_resolve(const struct options *options, struct settings *settings);

/** "auto", "native" or "generic". */
const char *option_mode_name(enum option_mode mode);

#endif
