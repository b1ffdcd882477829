/* SPDX-License-Identifier: BSD-3-Clause */
/* The turnservers of this host whose channels the kernel relays, as the kernel knows them. */
#ifndef OFFLOAD_XDP_UTILS_SERVER_H
#define OFFLOAD_XDP_UTILS_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#define SERVERS_MAX 64

enum table {
	TABLE_FLOWS,
	TABLE_VLANS,
	TABLE_HOPS,
	TABLE_BEGUN,
	TABLE_VERDICTS,
	TABLE_DEVICES,
	TABLE_LIMITS,
	TABLE_CONSTANTS, /* .rodata */
	TABLE_VARIABLES, /* .bss */
	TABLES,
};

struct server {
	uint32_t program;          /* id of the one that was loaded first */
	unsigned int programs;     /* it and its copies, which run beside others */
	uint32_t map[TABLES];      /* ids; 0: it has no such table */
	uint32_t version;          /* ABI_VERSION of its build; 0: it has none */
	uint32_t pid;              /* 0: not known */
	bool seen;                 /* the process `pid` holds the tables */
};

struct server_list {
	unsigned int count;
	struct server server[SERVERS_MAX];
};

/**
 * Finds all that have started, in the order of their programs' ids. Keeps nothing
 * open. 0, -EPERM (CAP_SYS_ADMIN is needed), or another -errno.
 */
int servers_find(struct server_list *list);

/**
 * The process that has a map open: `hint` if that is one, or another. 0: none that
 * can be seen from here. *unknown is set if processes could not be asked.
 */
uint32_t owner_find(uint32_t map, uint32_t hint, bool *unknown);

#endif
