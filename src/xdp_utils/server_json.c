/* SPDX-License-Identifier: BSD-3-Clause */
#include "server_json.h"

void server_json_fields(struct json *json, const struct server *server)
{
	json_number(json, "pid", server->pid);
	json_bool(json, "process_seen", server->seen);
	json_number(json, "program_id", server->program);
	json_number(json, "programs", server->programs);
	json_number(json, "version", server->version);
}

void server_json_list(struct json *json, const struct server_list *list)
{
	json_open(json, NULL, '{');
	json_open(json, "servers", '[');
	for (unsigned int i = 0; i < list->count; i++) {
		json_open(json, NULL, '{');
		server_json_fields(json, &list->server[i]);
		json_close(json, '{');
	}
	json_close(json, '[');
	json_close(json, '{');
}
