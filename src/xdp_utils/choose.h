/* SPDX-License-Identifier: BSD-3-Clause */
/* Finding the server that is meant, and saying clearly when there is none. */
#ifndef OFFLOAD_XDP_UTILS_CHOOSE_H
#define OFFLOAD_XDP_UTILS_CHOOSE_H

#include <stdint.h>

#include "server.h"
#include "snapshot.h"

/* Exit statuses; 0 and EXIT_FAILURE (1) besides. */
#define EXIT_USAGE 2
#define EXIT_NO_SERVER 3

/** Finds all servers. 0, or an exit status, with the reason on standard error. */
int choose_list(struct server_list *list);

/** Says on standard error that there is none. EXIT_NO_SERVER. */
int choose_none(void);

/** The server of a process, or the only one (pid 0). 0, or an exit status as above. */
int choose_server(uint32_t pid, struct server *server);

/** Says why its tables could not be read: snapshot_take's -errno. An exit status as above. */
int choose_explain(const struct server *server, int error);

/** Reads its tables. 0, or an exit status as above. */
int choose_snapshot(const struct server *server, struct snapshot *snapshot);

#endif
