/* SPDX-License-Identifier: BSD-3-Clause */
/* The command `list`: the turnservers of this host. */
#ifndef OFFLOAD_XDP_UTILS_LIST_H
#define OFFLOAD_XDP_UTILS_LIST_H

#include <stdio.h>

#include "arguments.h"
#include "server.h"

/** Lists all servers on standard output. An exit status. */
int list_run(const struct arguments *arguments);

/** Writes them as a table for people. */
void list_write(FILE *out, const struct server_list *list);

#endif
