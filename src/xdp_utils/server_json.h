/* SPDX-License-Identifier: BSD-3-Clause */
/* What is known of servers without reading their tables, as JSON. Pure. */
#ifndef OFFLOAD_XDP_UTILS_SERVER_JSON_H
#define OFFLOAD_XDP_UTILS_SERVER_JSON_H

#include "json.h"
#include "server.h"

/** Writes the fields of a server into the object that is open. */
void server_json_fields(struct json *json, const struct server *server);

/** Writes one object, with the list of the servers. */
void server_json_list(struct json *json, const struct server_list *list);

#endif
