/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What of this host may refuse or change packets that coturn relays: chains of nf_tables,
 * tables of legacy iptables, IPVS, programs of the server's cgroup, the strict reverse path
 * filter, and tc's filters on the way in of the devices that tc_devices names. A host that has
 * none of them is free; any other examines packets. All of this is for one thread, which needs
 * CAP_NET_ADMIN, and before Linux 5.19 CAP_BPF too.
 */
#ifndef OFFLOAD_HOST_SURVEY_H
#define OFFLOAD_HOST_SURVEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi.h"

struct mnl_socket;

enum survey_flag {
	SURVEY_EXAMINED_V4 = STATUS_EXAMINED_V4, /* something may refuse or change packets of IPv4 */
	SURVEY_EXAMINED_V6 = STATUS_EXAMINED_V6,
	SURVEY_NAT_V4 = STATUS_NAT_V4, /* something may change addresses or ports of IPv4 */
	SURVEY_NAT_V6 = STATUS_NAT_V6,
};
#define SURVEY_EXAMINED (SURVEY_EXAMINED_V4 | SURVEY_EXAMINED_V6)
#define SURVEY_NAT (SURVEY_NAT_V4 | SURVEY_NAT_V6)

struct survey {
	uint32_t flags;     /* of enum survey_flag */
	uint64_t signature; /* changes when anything that may refuse or change packets has changed */
	/* When to take it again, because chains are read ten times a second at most; 0: they are as new as the rest. */
	uint64_t again_ns;
	char text[STATUS_LINE]; /* what was found, for people; "" if nothing */
};

/**
 * Takes the survey. 0; or -errno, which is the first error if there are several. What could
 * not be read then counts as present, for the families that it concerns. `survey` is complete
 * in either case.
 */
int survey_take(struct survey *survey);

/** Forgets what is remembered from one survey to the next: chains, files of legacy tables, and where cgroups are mounted. */
void survey_forget(void);

/**
 * Opens a socket that hears when nf_tables changes. It does not block. Returns the socket,
 * which request_socket_close closes, or NULL if the kernel has no nf_tables now, or does not
 * allow it; ask again later.
 */
struct mnl_socket *survey_listen(void);

/** Reads all pending events of such a socket. Returns whether nf_tables has changed, or events were lost. */
bool survey_heard(struct mnl_socket *socket);

/** For how many seconds conntrack remembers UDP datagrams that have no answer yet; 30 if there is no conntrack. */
unsigned int survey_udp_timeout(void);

/* ---- for the files that look at one thing each ---- */

/** Adds what has been found to the text, and its flags. */
void survey_found(struct survey *survey, uint32_t flags, const char *format, ...) __attribute__((format(printf, 3, 4)));

/** Has the signature depend on these bytes. */
void survey_mix(struct survey *survey, const void *data, size_t size);

#endif
