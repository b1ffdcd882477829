/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The base chains of nf_tables (nft(8)) that packets to and from this host pass; those that
 * iptables-nft has made are among them. For one thread, with CAP_NET_ADMIN.
 */
#ifndef OFFLOAD_HOST_NFTABLES_H
#define OFFLOAD_HOST_NFTABLES_H

#include <stdbool.h>

#include "host/notes.h"
#include "host/survey.h"

/**
 * Adds the base chains to a survey. They are read again only if nf_tables has changed since,
 * and not within 100 ms after they were read: until then it counts as if anything was there,
 * and `again_ns` says when they can be read. 0, also if the kernel has no nf_tables, or -errno.
 */
int nftables_look(struct survey *survey);

/** Adds a note for each chain on the way out of a device, of those that nftables_look has read. */
void nftables_note(struct notes *notes);

/** See survey_listen, survey_heard and survey_forget. */
struct mnl_socket *nftables_listen(void);
bool nftables_heard(struct mnl_socket *socket);
void nftables_forget(void);

#endif
