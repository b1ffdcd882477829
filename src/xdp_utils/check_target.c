/* SPDX-License-Identifier: BSD-3-Clause */
#include "check_target.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "choose.h"

#define TOPIC "seen"
#define SERVER "turnserver" /* how the names of its programs begin */

/* ---- what /proc tells ---- */

/* Reads a file of a process, with a 0 behind it. Returns its size; 0 if it cannot be read. */
static size_t read_proc(uint32_t pid, const char *name, char *text, size_t size)
{
	char path[64];
	size_t length = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%u/%s", pid, name);
	file = fopen(path, "re");
	if (file) {
		length = fread(text, 1, size - 1, file);
		fclose(file);
	}
	text[length] = '\0';
	return length;
}

/* A server that runs elsewhere has the interfaces of its own network namespace. */
static void follow_network(uint32_t pid, struct check_report *report)
{
	struct stat own, its;
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%u/ns/net", pid);
	if (stat("/proc/self/ns/net", &own) || stat(path, &its)) {
		check_report_add(report, CHECK_NOTE, TOPIC, NULL,
				 "in which network namespace the server runs was not seen: run this as root");
		return;
	}
	if (own.st_ino == its.st_ino)
		return;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET))
		check_report_add(report, CHECK_STOP, TOPIC, NULL,
				 "the server is in another network namespace, and this process cannot go there (%s): what follows "
				 "is of other interfaces than the server's",
				 strerror(errno));
	if (fd >= 0)
		close(fd);
}

/* ---- the file ---- */

static void explain_file(const char *name, int error, struct check_report *report)
{
	check_report_add(report, CHECK_STOP, TOPIC, NULL, "%s cannot be read: %s", name, strerror(-error));
}

static void read_found_file(struct check_config *config, struct check_report *report)
{
	char path[PATH_MAX];
	int error = check_config_find("", "", path);

	if (!error)
		error = check_config_read_file(config, path, path);
	if (error)
		check_report_add(report, CHECK_NOTE, TOPIC, NULL,
				 "there is no turnserver.conf in the places where turnserver looks for it, or this user may not "
				 "read it: what follows is of the default options; name the file with -c");
}

/* The paths are as the server sees them: from its root, or from its folder. */
static void read_file_of(uint32_t pid, const char *name, struct check_config *config, struct check_report *report)
{
	char root[64], folder[64], path[PATH_MAX + 64];
	int error;

	snprintf(root, sizeof(root), "/proc/%u/root", pid);
	snprintf(folder, sizeof(folder), "/proc/%u/cwd", pid);
	if (name[0] == '/')
		snprintf(path, sizeof(path), "%s%s", root, name);
	else if (name[0])
		snprintf(path, sizeof(path), "%s/%s", folder, name);
	else if (check_config_find(root, folder, path))
		return;
	error = check_config_read_file(config, path, name[0] ? name : path);
	if (error && name[0] == '/')
		error = check_config_read_file(config, name, name);
	if (error)
		explain_file(name[0] ? name : path, error, report);
}

/* ---- targets ---- */

static int find_running(uint32_t pid, struct check_target *target, struct check_report *report)
{
	char arguments[16384], name[PATH_MAX], link[64], program[64];
	size_t size = read_proc(pid, "cmdline", arguments, sizeof(arguments));
	ssize_t length;
	bool no_file;

	read_proc(pid, "comm", program, sizeof(program));
	if (!size || (!target->running && strncmp(program, SERVER, strlen(SERVER)) != 0)) {
		fprintf(stderr, PROGRAM ": process %u is no turnserver, or has ended\n", pid);
		return EXIT_NO_SERVER;
	}
	target->pid = pid;
	read_proc(pid, "cgroup", target->cgroups, sizeof(target->cgroups));
	check_config_read_arguments(&target->config, arguments, size);
	no_file = target->config.no_file;
	snprintf(name, sizeof(name), "%s", target->config.file);
	check_config_clear(&target->config);
	if (!no_file)
		read_file_of(pid, name, &target->config, report);
	check_config_read_arguments(&target->config, arguments, size);
	snprintf(link, sizeof(link), "/proc/%u/exe", pid);
	length = readlink(link, target->program, sizeof(target->program) - 1);
	if (length > 0)
		target->program[length] = '\0';
	if (!check_unit_of(target->cgroups, name))
		check_unit_read(name, &target->unit);
	follow_network(pid, report);
	return 0;
}

/* turnserver is installed beside this tool. */
static void find_program(char program[PATH_MAX])
{
	char path[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);
	char *slash;

	if (length <= 0)
		return;
	path[length] = '\0';
	slash = strrchr(path, '/');
	if (!slash || slash - path + sizeof("/turnserver") > sizeof(path))
		return;
	memcpy(slash, "/turnserver", sizeof("/turnserver"));
	if (!access(path, X_OK))
		snprintf(program, PATH_MAX, "%s", path);
}

static void find_file(const char *name, struct check_target *target, struct check_report *report)
{
	int error = name ? check_config_read_file(&target->config, name, name) : 0;

	if (!name)
		read_found_file(&target->config, report);
	else if (error)
		explain_file(name, error, report);
	check_unit_read(NULL, &target->unit);
	find_program(target->program);
	if (target->unit.name[0] && target->unit.program[0])
		snprintf(target->program, sizeof(target->program), "%s", target->unit.program);
}

/*
 * The server among those whose offload is on; NULL if it is none of them. One that is not seen is none: its process ID
 * may be that of another process here.
 */
static const struct server *find_server(const struct check_target *target, uint32_t pid)
{
	const struct server *server;

	return server_choose(&target->list, pid, &server) == 1 && server->seen ? server : NULL;
}

int check_target_find(const struct arguments *arguments, struct check_target *target, struct check_report *report)
{
	const struct server *server;
	uint32_t pid = arguments->pid;
	int status;

	memset(target, 0, sizeof(*target));
	check_config_clear(&target->config);
	check_unit_clear(&target->unit);
	snprintf(target->program, sizeof(target->program), "turnserver");
	target->servers_seen = !server_find_all(&target->list);
	if (!target->servers_seen)
		target->list.count = 0;
	server = arguments->file ? NULL : find_server(target, pid);
	if (!pid && server)
		pid = server->pid;
	if (!pid) {
		find_file(arguments->file, target, report);
		option_resolve(&target->config.options, &target->settings);
		return 0;
	}
	/* Before the namespace is changed: the programs are the same in all of them. */
	status = server ? choose_snapshot(server, &target->snapshot) : 0;
	target->running = server && !status;
	if (!status)
		status = find_running(pid, target, report);
	option_resolve(&target->config.options, &target->settings);
	if (status)
		check_target_free(target);
	return status;
}

void check_target_free(struct check_target *target)
{
	if (target->running)
		snapshot_free(&target->snapshot);
	target->running = false;
}
