/* SPDX-License-Identifier: BSD-3-Clause */
#include "choose.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "list.h"

static int fail(int error)
{
	if (error == -EPERM || error == -EACCES)
		fputs(PROGRAM ": the kernel shows XDP programs and their tables only to root, or with CAP_SYS_ADMIN: run "
			      "this as root\n",
		      stderr);
	else
		fprintf(stderr, PROGRAM ": the tables cannot be read: %s\n", strerror(-error));
	return EXIT_FAILURE;
}

static int fail_version(const struct server *server)
{
	char version[32] = "of an unknown ABI version";

	if (server->version)
		snprintf(version, sizeof(version), "of ABI version %u", server->version);
	fprintf(stderr,
		PROGRAM ": turnserver (pid %u) has tables %s, and this tool can only read those of version %u: use the " PROGRAM " that was built with this turnserver, or restart turnserver if it was upgraded while "
			"it ran\n",
		server->pid, version, ABI_VERSION);
	return EXIT_FAILURE;
}

int choose_list(struct server_list *list)
{
	int error = server_find_all(list);

	return error ? fail(error) : 0;
}

int choose_none(void)
{
	fputs(PROGRAM ": no turnserver relays channels in the kernel here: none runs with xdp-offload, or its offload "
		      "could not start; turnserver's log then says why\n",
	      stderr);
	return EXIT_NO_SERVER;
}

static int fail_choice(bool seen, const struct server_list *list)
{
	fprintf(stderr, PROGRAM ": several turnservers run here; %s:\n",
		seen ? "choose one of them with --pid" :
		       "choose one of them with --pid where their processes can be seen: as root on this host, or in the "
		       "server's container");
	list_write(stderr, list);
	return EXIT_USAGE;
}

int choose_server(uint32_t pid, struct server *server)
{
	const struct server *chosen;
	struct server_list list;
	unsigned int count;
	int status = choose_list(&list);

	if (status)
		return status;
	count = server_choose(&list, pid, &chosen);
	if (count > 1)
		return fail_choice(chosen->seen, &list);
	if (!count && !pid)
		return choose_none();
	if (!count) {
		fprintf(stderr,
			PROGRAM ": process %u is no turnserver that relays channels in the kernel; '" PROGRAM
				" list' shows those that do\n",
			pid);
		return EXIT_NO_SERVER;
	}
	*server = *chosen;
	return 0;
}

int choose_explain(const struct server *server, int error)
{
	if (error == -EPROTONOSUPPORT)
		return fail_version(server);
	if (error == -ENOENT) {
		fprintf(stderr, PROGRAM ": the turnserver (pid %u) has ended\n", server->pid);
		return EXIT_NO_SERVER;
	}
	return fail(error);
}

int choose_snapshot(const struct server *server, struct snapshot *snapshot)
{
	int error = snapshot_take(server, snapshot);

	return error ? choose_explain(server, error) : 0;
}
