/* SPDX-License-Identifier: BSD-3-Clause */
#include "check_unit.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef CAP_PERFMON
#define CAP_PERFMON 38 /* Linux 5.8 */
#define CAP_BPF 39
#endif

#define DEFAULT_UNIT "coturn.service"

extern char **environ;

void check_unit_clear(struct check_unit *unit)
{
	memset(unit, 0, sizeof(*unit));
	unit->bounding = UINT64_MAX;
	unit->locked_memory = unit->memory = UINT64_MAX;
}

/* ---- properties ---- */

/* Whether a list of words, with blanks between them, has a word. */
static bool has_word(const char *list, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = list; (at = strstr(at, word)); at += length) {
		if ((at == list || at[-1] == ' ') && (!at[length] || at[length] == ' '))
			return true;
	}
	return false;
}

static uint64_t read_capabilities(const char *list)
{
	static const struct {
		const char *name;
		int number;
	} known[] = {
		{ "cap_net_admin", CAP_NET_ADMIN },
		{ "cap_sys_admin", CAP_SYS_ADMIN },
		{ "cap_perfmon", CAP_PERFMON },
		{ "cap_bpf", CAP_BPF },
	};
	uint64_t set = 0;

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (has_word(list, known[i].name))
			set |= UINT64_C(1) << known[i].number;
	}
	return set;
}

/* Whether a list forbids a word: a list that begins with "~" has what is forbidden, another one what is allowed. */
static bool forbids(const char *list, const char *word)
{
	if (!*list)
		return false;
	return list[0] == '~' ? has_word(list + 1, word) : !has_word(list, word);
}

static uint64_t read_limit(const char *value)
{
	char *end;
	unsigned long long limit = strtoull(value, &end, 10);

	return end == value ? UINT64_MAX : limit;
}

/* ExecStart={ path=/usr/bin/turnserver ; argv[]=... } */
static void read_program(const char *value, char program[PATH_MAX])
{
	const char *path = strstr(value, "path=");

	if (path)
		snprintf(program, PATH_MAX, "%.*s", (int)strcspn(path + 5, " ;"), path + 5);
}

static bool is_yes(const char *value)
{
	return !strcmp(value, "yes");
}

static void set(struct check_unit *unit, const char *name, const char *value)
{
	if (!strcmp(name, "User"))
		snprintf(unit->user, sizeof(unit->user), "%s", strcmp(value, "root") && strcmp(value, "0") ? value : "");
	else if (!strcmp(name, "AmbientCapabilities"))
		unit->ambient = read_capabilities(value);
	else if (!strcmp(name, "CapabilityBoundingSet"))
		unit->bounding = read_capabilities(value);
	else if (!strcmp(name, "NoNewPrivileges"))
		unit->no_new_privileges = is_yes(value);
	else if (!strcmp(name, "RestrictAddressFamilies"))
		unit->without_netlink = forbids(value, "AF_NETLINK");
	else if (!strcmp(name, "SystemCallFilter"))
		unit->without_bpf = forbids(value, "bpf");
	else if (!strcmp(name, "PrivateUsers"))
		unit->private_users = is_yes(value);
	else if (!strcmp(name, "PrivateNetwork"))
		unit->private_network = is_yes(value);
	else if (!strcmp(name, "LimitMEMLOCK"))
		unit->locked_memory = read_limit(value);
	else if (!strcmp(name, "MemoryMax"))
		unit->memory = read_limit(value);
	else if (!strcmp(name, "ExecStart"))
		read_program(value, unit->program);
	else if (!strcmp(name, "LoadState") && strcmp(value, "loaded") != 0)
		unit->name[0] = '\0';
}

void check_unit_read_line(struct check_unit *unit, const char *line)
{
	char name[64];
	size_t length = strcspn(line, "=");
	char *value;

	if (!line[length] || length >= sizeof(name))
		return;
	snprintf(name, sizeof(name), "%.*s", (int)length, line);
	value = strndup(line + length + 1, strcspn(line + length + 1, "\n"));
	if (value)
		set(unit, name, value);
	free(value);
}

/* ---- systemctl ---- */

/* Starts systemctl, whose output `out` gets. 0 or -errno. */
static int start_systemctl(const char *unit, pid_t *pid, FILE **out)
{
	char *const words[] = {
		"systemctl", "show", "--no-pager",
		"--property=LoadState,User,AmbientCapabilities,CapabilityBoundingSet,NoNewPrivileges,"
		"RestrictAddressFamilies,SystemCallFilter,PrivateUsers,PrivateNetwork,LimitMEMLOCK,MemoryMax,ExecStart",
		"--", (char *)unit, NULL
	};
	posix_spawn_file_actions_t actions;
	int ends[2], error;

	*out = NULL;
	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	*out = fdopen(ends[0], "r");
	error = *out ? -posix_spawn_file_actions_init(&actions) : -errno;
	if (error)
		goto pipe;
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
	posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	error = -posix_spawnp(pid, words[0], &actions, NULL, words, environ);
	posix_spawn_file_actions_destroy(&actions);
pipe:
	close(ends[1]);
	if (error && *out)
		fclose(*out);
	else if (error)
		close(ends[0]);
	return error;
}

int check_unit_read(const char *name, struct check_unit *unit)
{
	char *line = NULL;
	size_t room = 0;
	int error, status = 0;
	pid_t pid;
	FILE *out = NULL;

	check_unit_clear(unit);
	if (!name)
		name = DEFAULT_UNIT;
	error = start_systemctl(name, &pid, &out);
	if (error)
		return error;
	snprintf(unit->name, sizeof(unit->name), "%s", name);
	while (getline(&line, &room, out) > 0)
		check_unit_read_line(unit, line);
	free(line);
	fclose(out);
	if (waitpid(pid, &status, 0) < 0 || status)
		error = -ENOTCONN;
	else if (!unit->name[0])
		error = -ENOENT;
	if (error)
		check_unit_clear(unit);
	return error;
}

int check_unit_of(const char *cgroups, char name[CHECK_UNIT_NAME])
{
	const char *end = strstr(cgroups, ".service"), *begin;

	if (!end)
		return -ENOENT;
	end += strlen(".service");
	for (begin = end; begin > cgroups && begin[-1] != '/';)
		begin--;
	if (end - begin >= CHECK_UNIT_NAME || (*end && *end != '\n' && *end != '/'))
		return -ENOENT;
	snprintf(name, CHECK_UNIT_NAME, "%.*s", (int)(end - begin), begin);
	return 0;
}
