/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The addresses that the server listens on and relays from, and which interfaces have them.
 * They may come, go and move while the server runs. One thread at a time.
 */
#ifndef OFFLOAD_IFACE_OWN_ADDRESSES_H
#define OFFLOAD_IFACE_OWN_ADDRESSES_H

#include <stdbool.h>

#include "netlink/links.h"

/** Takes the addresses, in text. The log names those that never lead to an interface. 0 or -ENOMEM. */
int own_addresses_start(const char *const *texts, unsigned int count);

/** Forgets them. Does nothing if not started. */
void own_addresses_stop(void);

/**
 * Looks where the addresses are, and calls `each` with every link that has one, the number of
 * the address and `data`. 0 or -errno.
 */
int own_addresses_find(const struct links *links,
		       void (*each)(const struct link *link, unsigned int address, void *data), void *data);

/** Whether the kernel did not say at the last own_addresses_find where an address is. */
bool own_addresses_pending(void);

/** Whether no packet comes in by a link: a dummy interface. */
bool own_addresses_is_silent(const struct link *link);

/**
 * Whether there are addresses of a family, AF_INET or AF_INET6; `silent`: such that this host
 * has, but on no interface that packets come in by.
 */
bool own_addresses_have(int family, bool silent);

/**
 * Logs what is news about the addresses, and shows in the status which are waited for.
 * `selected` is how many interfaces were found for them.
 */
void own_addresses_say(unsigned int selected);

/** Whether an address is waited for. After own_addresses_say. */
bool own_addresses_wait(void);

/** Whether each address is on an interface that packets come in by. After own_addresses_say. */
bool own_addresses_complete(void);

#endif
