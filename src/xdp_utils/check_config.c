/* SPDX-License-Identifier: BSD-3-Clause */
#include "check_config.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* As the buffers of turnserver: a longer line is two lines. */
#define LINE_SIZE 1024

void check_config_clear(struct check_config *config)
{
	memset(config, 0, sizeof(*config));
	option_clear(&config->options);
}

/* ---- coturn's own options ---- */

static void add_address(struct check_addresses *list, const char *value)
{
	if (list->count < CHECK_ADDRESSES)
		snprintf(list->address[list->count++], INET6_ADDRSTRLEN, "%s", value);
}

static void set_switch(struct check_config *config, const char *name, const char *value, bool *is_set)
{
	int on;

	if (!option_parse_switch(value, &on))
		*is_set = on;
	else if (!config->bad_switch[0])
		snprintf(config->bad_switch, sizeof(config->bad_switch), "%s=%.40s", name, value);
}

/* The options by their long and short names. Only they have to be known here. */
static const struct {
	const char *name;
	char letter; /* 0: there is none */
	bool has_value;
} known[] = {
	{ "listening-ip", 'L', true },
	{ "relay-ip", 'E', true },
	{ "listening-device", 'd', true },
	{ "relay-device", 'i', true },
	{ "no-udp", 0, false },
	{ "no-udp-relay", 0, false },
	{ "stun-only", 'S', false },
};
#define KNOWN (sizeof(known) / sizeof(known[0]))

static void set(struct check_config *config, const char *name, const char *value)
{
	if (!strcmp(name, "listening-ip"))
		add_address(&config->listening, value);
	else if (!strcmp(name, "relay-ip"))
		add_address(&config->relay, value);
	else if (!strcmp(name, "listening-device"))
		snprintf(config->listening_device, IFNAMSIZ, "%s", value);
	else if (!strcmp(name, "relay-device"))
		snprintf(config->relay_device, IFNAMSIZ, "%s", value);
	else if (!strcmp(name, "no-udp"))
		set_switch(config, name, value, &config->no_udp);
	else if (!strcmp(name, "no-udp-relay"))
		set_switch(config, name, value, &config->no_udp_relay);
	else if (!strcmp(name, "stun-only"))
		set_switch(config, name, value, &config->stun_only);
}

/* ---- the file ---- */

/* Ends a value where turnserver does: at white space behind it, and at the quotation marks around it. */
static char *trim(char *value)
{
	char *end = value + strlen(value);

	while (end > value && isspace((unsigned char)end[-1]))
		*--end = '\0';
	if (*value != '"')
		return value;
	if (end > value + 1 && end[-1] == '"')
		end[-1] = '\0';
	return value + 1;
}

void check_config_read_line(struct check_config *config, const char *line)
{
	char text[LINE_SIZE + 1];
	char *name, *value;

	snprintf(text, sizeof(text), "%s", line);
	name = text + strspn(text, " \t\r\n");
	if (!*name || !option_read_line(&config->options, name))
		return;
	value = name + strcspn(name, " \t=\r\n");
	if (*value) {
		*value++ = '\0';
		value += strspn(value, " \t=");
	}
	set(config, name, trim(value));
}

int check_config_read_file(struct check_config *config, const char *path, const char *name)
{
	char line[LINE_SIZE];
	FILE *file = fopen(path, "re");
	int error = 0;

	if (!file)
		return -errno;
	snprintf(config->file, sizeof(config->file), "%s", name);
	while (fgets(line, sizeof(line), file))
		check_config_read_line(config, line);
	if (ferror(file))
		error = -EIO;
	fclose(file);
	return error;
}

/* Returns whether this place has a turnserver.conf that can be read, and its path then. */
static bool is_there(const char *root, const char *folder, const char *base, const char *below, char path[PATH_MAX])
{
	bool relative = base[0] != '/';
	char candidate[PATH_MAX];

	snprintf(candidate, sizeof(candidate), "%s%s%s%sturnserver.conf", relative ? folder : root,
		 relative && folder[0] ? "/" : "", base, below);
	if (access(candidate, R_OK))
		return false;
	snprintf(path, PATH_MAX, "%s", candidate);
	return true;
}

/* coturn looks below its own prefix too, which is /usr or /usr/local. */
int check_config_find(const char *root, const char *folder, char path[PATH_MAX])
{
	static const char *const bases[] = { "", "etc/", "../etc/", "/etc/", "/usr/local/etc/", "/usr/etc/" };
	static const char *const below[] = { "", "turnserver/", "coturn/" };

	for (size_t i = 0; i < sizeof(bases) / sizeof(bases[0]); i++) {
		for (size_t k = 0; k < sizeof(below) / sizeof(below[0]); k++) {
			if (is_there(root, folder, bases[i], below[k], path))
				return 0;
		}
	}
	return -ENOENT;
}

/* ---- the command line ---- */

/* Returns the argument after this one, or NULL. */
static const char *next_of(const char *argument, const char *end)
{
	argument += strlen(argument) + 1;
	return argument < end ? argument : NULL;
}

/* Takes an option of the offload by its long name. Returns whether it is one. */
static bool take_ours(struct check_config *config, const char *name, size_t length, const char *value,
		      const char *next, bool *took_next)
{
	for (size_t id = 0; id < option_count; id++) {
		if (strlen(option_descriptions[id].name) != length || strncmp(option_descriptions[id].name, name, length) != 0)
			continue;
		*took_next = !value && option_descriptions[id].has_value == required_argument;
		option_set(&config->options, OPTION_ARGV, id, *took_next ? next : value);
		return true;
	}
	return false;
}

/* Takes --NAME, --NAME=VALUE or --NAME VALUE. Returns whether the next argument was taken too. */
static bool take_long(struct check_config *config, const char *name, const char *next)
{
	const char *value = strchr(name, '=');
	size_t length = value ? (size_t)(value++ - name) : strlen(name);
	bool took_next = false;

	if (take_ours(config, name, length, value, next, &took_next))
		return took_next;
	for (size_t i = 0; i < KNOWN; i++) {
		if (strlen(known[i].name) != length || strncmp(known[i].name, name, length) != 0)
			continue;
		took_next = !value && known[i].has_value;
		if (took_next)
			value = next;
		set(config, known[i].name, value ? value : "");
	}
	return took_next;
}

/* Takes -L VALUE or -LVALUE, and -c and -n, which turnserver knows as arguments of their own only. */
static bool take_short(struct check_config *config, const char *argument, const char *next)
{
	if (!strcmp(argument, "-n"))
		config->no_file = true;
	if (!strcmp(argument, "-c") && next)
		snprintf(config->file, sizeof(config->file), "%s", next);
	if (!strcmp(argument, "-c"))
		return true;
	for (size_t i = 0; i < KNOWN; i++) {
		bool took_next = known[i].has_value && !argument[2];

		if (!known[i].letter || argument[1] != known[i].letter)
			continue;
		set(config, known[i].name, !known[i].has_value ? "" : !took_next ? argument + 2 :
							      next               ? next :
										   "");
		return took_next;
	}
	return false;
}

void check_config_read_arguments(struct check_config *config, const char *arguments, size_t size)
{
	const char *end = arguments + size, *argument = size ? next_of(arguments, end) : NULL;

	/* The first one is the program. */
	while (argument) {
		const char *next = next_of(argument, end);
		bool took_next = false;

		if (!strncmp(argument, "--", 2))
			took_next = take_long(config, argument + 2, next);
		else if (argument[0] == '-')
			took_next = take_short(config, argument, next);
		argument = took_next && next ? next_of(next, end) : next;
	}
}
