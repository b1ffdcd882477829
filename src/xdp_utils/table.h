/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A server's tables, open for reading. The only file of this tool that calls
 * bpf_map_*: none of them writes, and memory is mapped without the right to.
 */
#ifndef OFFLOAD_XDP_UTILS_TABLE_H
#define OFFLOAD_XDP_UTILS_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "abi.h"
#include "table/maps.h"
#include "server.h"
#include "verdict.h"

struct bpf_map_info;

/** A table in shared memory. */
struct view {
	const void *memory;
	size_t size;
};

struct tables {
	int fd[TABLES];
	uint32_t room[TABLES]; /* entries that there can be */
	struct view flows, begun, hops, verdicts, limits, variables;
	const struct attachment *attachments;
	const uint64_t *deadlines;
	const struct status *status;
	uint32_t cpus;
};

/** What the kernel says of a map. 0 or -errno. */
int table_info(uint32_t map, struct bpf_map_info *info);

/** The version of a server's tables; 0 if it does not say. */
uint32_t table_version(const struct server *server);

/** When a server started (CLOCK_BOOTTIME, ns; 0: it has not), and its word for its pid. 0 or -errno. */
int table_state_begun(const struct server *server, uint64_t *started, uint32_t *pid);

/** Opens all tables of a server of this version. 0, to be closed; or -errno, with nothing open. */
int tables_open(const struct server *server, struct tables *tables);

void tables_close(struct tables *tables);

/**
 * Shows each flow, as a copy of its row that is whole, and when it began (CLOCK_BOOTTIME,
 * ns). Stops at what `each` returns if that is not 0. 0, or that.
 */
int tables_each_flow(const struct tables *tables,
		     int (*each)(const struct flow_slot *slot, uint64_t since, void *data), void *data);

/** A row of the limits; NULL: there is no such row. */
const struct limit *tables_limit(const struct tables *tables, uint32_t row);

/** How many entries a hash table has, one by one; for small ones. */
unsigned int tables_count(const struct tables *tables, enum table which);

#endif
