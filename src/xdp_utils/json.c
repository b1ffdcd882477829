/* SPDX-License-Identifier: BSD-3-Clause */
#include "json.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* The bytes of the UTF-8 sequence that begins here; 0: none does (RFC 3629). */
static int sequence(const unsigned char *at)
{
	int length = at[0] < 0x80 ? 1 : (at[0] & 0xe0) == 0xc0 ? 2 :
				(at[0] & 0xf0) == 0xe0         ? 3 :
								 4;
	unsigned int code = length == 1 ? at[0] : at[0] & (0x7f >> length);
	static const unsigned int least[] = { 0, 0, 0x80, 0x800, 0x10000 };

	if (length == 4 && (at[0] & 0xf8) != 0xf0)
		return 0;
	for (int i = 1; i < length; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (at[i] & 0x3f);
	}
	if (code < least[length] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
		return 0;
	return length;
}

static void put_text(FILE *out, const char *text)
{
	const unsigned char *at = (const unsigned char *)text;

	fputc('"', out);
	while (*at) {
		int length = sequence(at);

		if (!length)
			fputs("\\ufffd", out);
		else if (*at == '"' || *at == '\\')
			fprintf(out, "\\%c", *at);
		else if (*at < 0x20 || *at == 0x7f)
			fprintf(out, "\\u%04x", *at);
		else
			fwrite(at, 1, (size_t)length, out);
		at += length ? length : 1;
	}
	fputc('"', out);
}

static void begin(struct json *json, const char *key)
{
	if (json->more)
		fputs(", ", json->out);
	json->more = true;
	if (key) {
		put_text(json->out, key);
		fputs(": ", json->out);
	}
}

void json_open(struct json *json, const char *key, char bracket)
{
	begin(json, key);
	fputc(bracket, json->out);
	json->more = false;
}

void json_close(struct json *json, char bracket)
{
	fputc(bracket == '{' ? '}' : ']', json->out);
	json->more = true;
}

void json_string(struct json *json, const char *key, const char *value)
{
	begin(json, key);
	put_text(json->out, value);
}

void json_number(struct json *json, const char *key, uint64_t value)
{
	begin(json, key);
	fprintf(json->out, "%" PRIu64, value);
}

void json_bool(struct json *json, const char *key, bool value)
{
	begin(json, key);
	fputs(value ? "true" : "false", json->out);
}

void json_null(struct json *json, const char *key)
{
	begin(json, key);
	fputs("null", json->out);
}

void json_real(struct json *json, const char *key, double value)
{
	if (!isfinite(value)) {
		json_null(json, key);
		return;
	}
	begin(json, key);
	fprintf(json->out, "%.3f", value);
}
