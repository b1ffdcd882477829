/* SPDX-License-Identifier: BSD-3-Clause */
/* The tables that a server shares with its XDP program, open for reading. */
#ifndef OFFLOAD_XDP_UTILS_TABLES_H
#define OFFLOAD_XDP_UTILS_TABLES_H

#include <stdbool.h>
#include <stdint.h>

#include "abi.h"
#include "map.h"
#include "seen_flow.h"
#include "server.h"

struct tables {
	int fd[TABLES];
	uint32_t room[TABLES]; /* the most entries that each can have */
	struct map_view flows, words, own6, notes, hops, egresses, verdicts, limits, variables;
	const uint64_t *deadlines; /* ABI_OWNERS of them, one for each relay thread */
	const struct status *status;
	uint32_t cpus; /* that count verdicts */
};

/** The ABI_VERSION of a server's tables; 0 if they do not say. */
uint32_t tables_version(const struct server *server);

/**
 * Reads from the tables of this ABI_VERSION whether a server has `started` with them, and then its process ID, in
 * which PID namespace. 0 or -errno.
 */
int tables_read_server(const struct server *server, bool *started, uint32_t *pid, uint64_t *pid_namespace);

/** Opens all tables of a server of this ABI_VERSION. 0, to be closed; or -errno, with nothing open. */
int tables_open(const struct server *server, struct tables *tables);

void tables_close(struct tables *tables);

/**
 * Calls `each` for every flow, with whole copies of its slot and its words, a copy of its note, and the server's own
 * addresses. Ends early when `each` does not return 0. 0, or what it returned.
 */
int tables_each_flow(const struct tables *tables, int (*each)(const struct flow_parts *parts, void *data), void *data);

/** Copies a next hop. False if the table has no such entry, or the next hop is not known now. */
bool tables_hop(const struct tables *tables, uint32_t index, struct hop *hop);

/** A slot of the limits. NULL if the table has no such slot. */
const struct limit *tables_limit(const struct tables *tables, uint32_t slot);

/** Copies the session with a number. 0; or -errno, with zeros in *session. */
int tables_session(const struct tables *tables, uint32_t number, struct session_entry *session);

/** Counts the entries of a hash table. It looks at each, so it is for small ones. */
unsigned int tables_count(const struct tables *tables, enum table which);

#endif
