/* SPDX-License-Identifier: BSD-3-Clause */
/* The unit of systemd that starts turnserver: what it permits the server, as systemctl(1) shows it. */
#ifndef OFFLOAD_XDP_UTILS_CHECK_UNIT_H
#define OFFLOAD_XDP_UTILS_CHECK_UNIT_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHECK_UNIT_NAME 80

struct check_unit {
	char name[CHECK_UNIT_NAME]; /* "": there is no such unit, or no systemd */
	char user[64];              /* "": root */
	uint64_t ambient, bounding; /* capabilities, the bit of each number; of those that the offload knows */
	bool no_new_privileges;
	bool without_netlink; /* RestrictAddressFamilies forbids AF_NETLINK */
	bool without_bpf;     /* SystemCallFilter forbids bpf(2) */
	bool private_users, private_network;
	uint64_t locked_memory; /* LimitMEMLOCK in bytes; UINT64_MAX: no limit */
	uint64_t memory;        /* MemoryMax in bytes; UINT64_MAX: no limit */
	char program[PATH_MAX]; /* that it starts; "": not known */
};

/** Resets `unit`: no name, no restriction. */
void check_unit_clear(struct check_unit *unit);

/** Takes a line of `systemctl show`, which is a property's name, "=" and its value. Pure. */
void check_unit_read_line(struct check_unit *unit, const char *line);

/**
 * Asks systemd for the unit `name`, or for coturn.service if it is NULL. 0; -ENOENT if systemd does not know the
 * unit; or another -errno if there is no systemd to be asked. After an error `unit` has no name.
 */
int check_unit_read(const char *name, struct check_unit *unit);

/**
 * Finds the unit that a process runs in, in the text of its /proc/PID/cgroup. Writes its name, which ends in
 * ".service". 0; or -ENOENT if it runs in none. Pure.
 */
int check_unit_of(const char *cgroups, char name[CHECK_UNIT_NAME]);

#endif
