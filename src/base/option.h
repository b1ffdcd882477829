/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The options of the offload. They come from two sources, turnserver.conf and the command
 * line, and coturn reads each of them several times. An option on the command line replaces
 * the same option in the file. All functions work on their arguments alone.
 */
#ifndef OFFLOAD_BASE_OPTION_H
#define OFFLOAD_BASE_OPTION_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>

#include "abi.h"

#define OPTION_CHANNELS_DEFAULT 16384
#define OPTION_CHANNELS_MAX 1048576

enum option_mode {
	OPTION_MODE_AUTO,
	OPTION_MODE_NATIVE,
	OPTION_MODE_GENERIC,
};
enum option_source {
	OPTION_FILE,
	OPTION_ARGV,
	OPTION_SOURCES,
};

/* What one source sets. Numbers that it does not set are -1; its list of interfaces is then empty. */
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
	char error[256]; /* names the first bad value and says what is allowed; "": there was none */
};

/* The result of both sources. */
struct settings {
	bool enabled;
	bool required;
	enum option_mode mode;
	unsigned int channels;
	unsigned int interfaces; /* 0: take the interfaces that own the server's addresses */
	char interface[ABI_ATTACHMENTS][IFNAMSIZ];
	bool debug; /* log everything that libbpf, libxdp and the verifier print: coturn's option Verbose is set */
};

/* One option. Its index in option_descriptions is its `id`. */
struct option_description {
	const char *name;
	int has_value; /* required_argument or optional_argument of getopt_long(3) */
	const char *help;
};

extern const struct option_description option_descriptions[];
extern const size_t option_count;

/** Resets `options`: no source has set anything, and there is no error. */
void option_clear(struct options *options);

/**
 * Takes option number `id` of option_descriptions with its value (NULL: it has none). The
 * same call again changes nothing. Returns 0; or -EINVAL, and options->error then says
 * what is allowed. The first error is kept, so that the offload does not start with a part of
 * its configuration.
 */
int option_set(struct options *options, enum option_source source, size_t id, const char *value);

/**
 * Takes a line of turnserver.conf, which it takes apart as coturn does. Returns 0 if the line is one of our
 * options, even if its value is bad (options->error says so); -ENOENT if coturn has to read the line.
 */
int option_read_line(struct options *options, const char *line);

/** Combines both sources into `settings`, where each option of the command line wins. */
void option_resolve(const struct options *options, struct settings *settings);

/**
 * Returns the name of an option that does nothing, because xdp-offload is not there; NULL if there is none. An
 * xdp-required without xdp-offload is not one of them: it is an error, for which the server does not start.
 */
const char *option_without_effect(const struct options *options);

/**
 * Reads a switch as coturn reads its own. The first character decides, so a comment behind the value does no
 * harm. Only "on" and "off" have to be whole words. A switch without a value (NULL or "") is on. Returns 0; or
 * -EINVAL, and `on` is untouched.
 */
int option_parse_switch(const char *value, int *on);

/** Returns "auto", "native" or "generic", which are valid for ever. */
const char *option_mode_name(enum option_mode mode);

#endif
