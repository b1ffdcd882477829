/* SPDX-License-Identifier: BSD-3-Clause */
#include "export.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "choose.h"
#include "metrics.h"
#include "serve.h"

/* Writes the page of all servers, or of the one that was asked for. 0 or -errno. */
static int measure(FILE *out, const void *data)
{
	const struct arguments *arguments = data;
	struct measured measured[SERVERS_MAX];
	struct snapshot *snapshots;
	struct server_list list;
	unsigned int count = 0;
	int error = server_find_all(&list);

	if (error)
		return error;
	snapshots = calloc(list.count + 1, sizeof(*snapshots));
	if (!snapshots)
		return -ENOMEM;
	for (unsigned int i = 0; i < list.count; i++) {
		const struct server *server = &list.server[i];

		if (arguments->pid && (arguments->pid != server->pid || !server->seen))
			continue;
		error = snapshot_take(server, &snapshots[count]);
		/* A server that has just ended is left out; one that cannot be read is shown as not up. */
		if (error == -ENOENT)
			continue;
		measured[count] = (struct measured){ server, error ? NULL : &snapshots[count] };
		count++;
	}
	metrics_write(out, measured, count, arguments->each_channel);
	for (unsigned int i = 0; i < count; i++)
		snapshot_free(&snapshots[i]);
	free(snapshots);
	return 0;
}

int export_run(const struct arguments *arguments)
{
	struct server_list list;
	int status = choose_list(&list), error;

	if (status)
		return status;
	if (!arguments->once)
		return serve_run(arguments, measure, arguments);
	error = measure(stdout, arguments);
	if (!error)
		return 0;
	fprintf(stderr, PROGRAM ": the servers cannot be found: %s\n", strerror(-error));
	return EXIT_FAILURE;
}
