/* SPDX-License-Identifier: BSD-3-Clause */
/* What the commands show, for people and for programs. */
#ifndef OFFLOAD_XDP_UTILS_SHOW_H
#define OFFLOAD_XDP_UTILS_SHOW_H

#include <stdbool.h>
#include <stdio.h>

#include "json.h"
#include "snapshot.h"

/** The text of `status`; `all`: also the counters that are 0. */
void show_status(FILE *out, const struct snapshot *snapshot, bool all);

/**
 * The text of `channels`: at most `lines` of them, in `room` columns, where what
 * matters least is left out; 0: all.
 */
void show_channels(FILE *out, const struct snapshot *snapshot, size_t lines, int room);

/** The text of `list`. */
void show_servers(FILE *out, const struct server_list *list);

/** The same as objects. */
void write_status(struct json *json, const struct snapshot *snapshot);
void write_channels(struct json *json, const struct snapshot *snapshot, size_t lines);
void write_servers(struct json *json, const struct server_list *list);

/** The word for a mode of an interface. */
const char *mode_word(unsigned int mode);

/** And for the one that was asked for. */
const char *mode_asked_word(const struct status *state);

/** Of a verdict: its word (to-peer) and its meaning. */
const char *verdict_name(enum verdict verdict);
const char *verdict_text(enum verdict verdict);

#endif
