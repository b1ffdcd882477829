/* SPDX-License-Identifier: BSD-3-Clause */
#include "choose.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "show.h"

static int explain(int error)
{
	if (error == -EPERM || error == -EACCES)
		fputs(PROGRAM ": not allowed: only root, or who has CAP_SYS_ADMIN, may look up XDP programs and their "
			      "tables\n",
		      stderr);
	else
		fprintf(stderr, PROGRAM ": the tables cannot be read: %s\n", strerror(-error));
	return EXIT_FAILURE;
}

int choose_list(struct server_list *list)
{
	int error = servers_find(list);

	return error ? explain(error) : 0;
}

int choose_none(void)
{
	fputs(PROGRAM ": no turnserver relays channels in the kernel here: none runs with xdp-offload, or its offload "
		      "could not start, as its log then says\n",
	      stderr);
	return EXIT_NO_SERVER;
}

int choose_server(uint32_t pid, struct server *server)
{
	struct server_list list;
	int status = choose_list(&list);

	if (status)
		return status;
	if (!list.count && !pid)
		return choose_none();
	if (!pid && list.count > 1) {
		fputs(PROGRAM ": several turnservers run here; choose one with --pid:\n", stderr);
		show_servers(stderr, &list);
		return EXIT_USAGE;
	}
	for (unsigned int i = 0; i < list.count; i++) {
		if (!pid || list.server[i].pid == pid) {
			*server = list.server[i];
			return 0;
		}
	}
	fprintf(stderr, PROGRAM ": process %u is no turnserver that relays channels in the kernel\n", pid);
	return EXIT_NO_SERVER;
}

int choose_explain(const struct server *server, int error)
{
	if (error == -EPROTONOSUPPORT) {
		fprintf(stderr,
			PROGRAM ": this tool is for version %u of the tables, turnserver (pid %u) has version %u: use the "
				"one that was built with it\n",
			ABI_VERSION, server->pid, server->version);
		return EXIT_FAILURE;
	}
	if (error == -ENOENT) {
		fputs(PROGRAM ": the turnserver has ended\n", stderr);
		return EXIT_NO_SERVER;
	}
	return explain(error);
}

int choose_snapshot(const struct server *server, struct snapshot *snapshot)
{
	int error = snapshot_take(server, snapshot);

	return error ? choose_explain(server, error) : 0;
}
