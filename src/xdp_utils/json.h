/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Writes JSON (RFC 8259). Strings may hold any bytes, as names of interfaces do: what is
 * not UTF-8 becomes U+FFFD. A value has the key NULL in an array and at the top.
 */
#ifndef OFFLOAD_XDP_UTILS_JSON_H
#define OFFLOAD_XDP_UTILS_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct json {
	FILE *out;
	bool more; /* a value stands before the next one in the same object or array */
};

/** Opens and closes an object or an array: `bracket` is '{' or '['. */
void json_open(struct json *json, const char *key, char bracket);
void json_close(struct json *json, char bracket);

void json_string(struct json *json, const char *key, const char *value);
void json_number(struct json *json, const char *key, uint64_t value);
void json_bool(struct json *json, const char *key, bool value);
void json_null(struct json *json, const char *key);

/** Writes three digits behind the point. What is not a number, or is infinite, becomes null. */
void json_real(struct json *json, const char *key, double value);

#endif
