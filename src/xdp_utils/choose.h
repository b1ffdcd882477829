/* SPDX-License-Identifier: BSD-3-Clause */
/* Finds the server that is meant, and says on standard error why there is none. */
#ifndef OFFLOAD_XDP_UTILS_CHOOSE_H
#define OFFLOAD_XDP_UTILS_CHOOSE_H

#include <stdint.h>

#include "server.h"
#include "snapshot.h"

/* Exit statuses, besides EXIT_SUCCESS (0) and EXIT_FAILURE (1). */
#define EXIT_USAGE 2
#define EXIT_NO_SERVER 3

/** Finds all servers. 0, or an exit status after it has said why. */
int choose_list(struct server_list *list);

/** Says that there is no server. EXIT_NO_SERVER. */
int choose_none(void);

/** Finds the server with this pid, or the only one (pid 0). 0, or an exit status after it has said why. */
int choose_server(uint32_t pid, struct server *server);

/** Says why snapshot_take() returned an error for this server. An exit status. */
int choose_explain(const struct server *server, int error);

/** Takes a snapshot of a server. 0, to be freed; or an exit status after it has said why. */
int choose_snapshot(const struct server *server, struct snapshot *snapshot);

#endif
