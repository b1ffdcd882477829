/* SPDX-License-Identifier: BSD-3-Clause */
#include "list.h"

#include "choose.h"
#include "server_json.h"

void list_write(FILE *out, const struct server_list *list)
{
	fprintf(out, "%10s %12s %12s\n", "pid", "program id", "ABI version");
	for (unsigned int i = 0; i < list->count; i++) {
		const struct server *server = &list->server[i];

		fprintf(out, "%10u %12u %12u%s\n", server->pid, server->program, server->version,
			server->seen ? "" : "  not seen: it has ended, or runs in another PID namespace");
	}
}

int list_run(const struct arguments *arguments)
{
	struct json json = { .out = stdout };
	struct server_list servers;
	int status = choose_list(&servers);

	if (status)
		return status;
	if (arguments->json) {
		server_json_list(&json, &servers);
		putchar('\n');
	} else if (servers.count) {
		list_write(stdout, &servers);
	}
	return servers.count ? 0 : choose_none();
}
