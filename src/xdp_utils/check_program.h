/* SPDX-License-Identifier: BSD-3-Clause */
/* The XDP program that a device carries. */
#ifndef OFFLOAD_XDP_UTILS_CHECK_PROGRAM_H
#define OFFLOAD_XDP_UTILS_CHECK_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include "abi.h"
#include "server.h"

struct check_program {
	uint32_t id;           /* 0: there is none */
	uint32_t link;         /* id of the BPF link by which it is attached; 0: by none, or not seen */
	uint32_t pid;          /* of the turnserver whose program it is; 0: it is another's */
	bool pid_seen;         /* see struct server */
	enum status_mode mode; /* native or generic */
	char name[16];         /* "": not seen, which takes CAP_SYS_ADMIN */
};

/** Looks at a device. `servers` are those whose programs count as turnservers'. */
void check_program_read(uint32_t ifindex, const struct server_list *servers, struct check_program *program);

#endif
