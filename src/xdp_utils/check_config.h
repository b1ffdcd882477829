/* SPDX-License-Identifier: BSD-3-Clause */
/* Those options of turnserver that concern the offload, read from its file and from its command line. */
#ifndef OFFLOAD_XDP_UTILS_CHECK_CONFIG_H
#define OFFLOAD_XDP_UTILS_CHECK_CONFIG_H

#include <limits.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/option.h"

#define CHECK_ADDRESSES 128

/* Addresses as text. */
struct check_addresses {
	unsigned int count;
	char address[CHECK_ADDRESSES][INET6_ADDRSTRLEN];
};

struct check_config {
	char file[PATH_MAX];    /* that was read, or is to be read; "": none */
	bool no_file;           /* turnserver -n: it reads no file */
	struct options options; /* those of the offload */
	struct check_addresses listening, relay;
	bool no_udp, no_udp_relay, stun_only;
	char listening_device[IFNAMSIZ], relay_device[IFNAMSIZ];
	char bad_switch[64]; /* the first of coturn's own switches that has a value which is none; "": there is none */
};

/** Resets `config`: nothing is set, and there is no file. */
void check_config_clear(struct check_config *config);

/** Takes a line of turnserver.conf, as turnserver does. Lines with other options are left alone. Pure. */
void check_config_read_line(struct check_config *config, const char *line);

/**
 * Takes the command line of a turnserver, where `arguments` are `size` bytes, as in /proc/PID/cmdline: each argument
 * ends with a 0. It also sets `file` and `no_file`. An option that the command line has wins over the file's, so the
 * file's lines are to be read first; only `file` can be had without them. Pure.
 */
void check_config_read_arguments(struct check_config *config, const char *arguments, size_t size);

/**
 * Reads the file at `path`, and sets `file` to `name`, which is the path as people know it. 0 or -errno of fopen(3).
 */
int check_config_read_file(struct check_config *config, const char *path, const char *name);

/**
 * Finds turnserver.conf where turnserver looks for it, when its root is `root` ("": that of this process) and it is
 * started from the folder `folder` ("": the present one), and writes its path. 0 or -ENOENT.
 */
int check_config_find(const char *root, const char *folder, char path[PATH_MAX]);

#endif
