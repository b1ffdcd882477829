/* SPDX-License-Identifier: BSD-3-Clause */
/* The turnservers of this host whose channels the kernel relays, as the kernel knows them. */
#ifndef OFFLOAD_XDP_UTILS_SERVER_H
#define OFFLOAD_XDP_UTILS_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#define SERVERS_MAX 64

enum table {
	TABLE_FLOWS,
	TABLE_WORDS, /* of IPv6 flows */
	TABLE_OWN6,  /* the server's own IPv6 addresses */
	TABLE_VLANS,
	TABLE_HOPS,
	TABLE_EGRESSES, /* .data.egress */
	TABLE_NOTES,
	TABLE_VERDICTS,
	TABLE_DEVICES,
	TABLE_LIMITS,
	TABLE_SESSIONS,
	TABLE_CONSTANTS, /* .rodata */
	TABLE_VARIABLES, /* .bss */
	TABLES,
};

struct server {
	uint32_t program;      /* id of the program that was loaded first */
	unsigned int programs; /* that one and its copies, which run through libxdp's dispatcher */
	uint32_t map[TABLES];  /* ids; 0: it has no such table */
	uint32_t version;      /* ABI_VERSION of its build; 0: it does not say */
	uint32_t pid;          /* 0: not known; if the process is not seen, this may be its ID in another PID namespace */
	bool seen;             /* the process `pid` has the program open */
};

struct server_list {
	unsigned int count;
	struct server server[SERVERS_MAX];
};

/**
 * Finds all servers that have started, in the order of their programs' ids, and keeps
 * nothing open. 0; -EPERM if CAP_SYS_ADMIN is missing; or another -errno.
 */
int server_find_all(struct server_list *list);

/**
 * Finds the servers that are meant by a process ID, which is that of a process that is seen. 0 means all whose
 * processes are seen or, if there are none, all others. Returns how many are meant, and in `first` the first of them.
 */
unsigned int server_choose(const struct server_list *list, uint32_t pid, const struct server **first);

/** Finds the ids of a server's program and its copies, at most `room`. How many it found. */
unsigned int server_programs(const struct server *server, uint32_t *ids, unsigned int room);

#endif
