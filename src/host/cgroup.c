/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/cgroup.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/bpf.h>
#include <linux/mount.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/small_file.h"

/* How many programs of one kind the kernel lets a cgroup have, on each level (BPF_CGROUP_MAX_PROGS). */
#define PROGRAMS 64

/* There is a line for each hierarchy; Linux has a dozen of controllers, which may have one each. */
#define HIERARCHIES 16

/*
 * What runs for a datagram. Programs of connect and sendmsg may choose another destination, and
 * those of recvmsg may show another source. A program of bind has run when the socket was
 * bound, and what it changed is seen in the socket's own address: it is not here.
 */
static const struct {
	enum bpf_attach_type type;
	uint32_t flags;
	const char *name;
} kinds[] = {
	{ BPF_CGROUP_INET_INGRESS, SURVEY_EXAMINED, "ingress" },
	{ BPF_CGROUP_INET_EGRESS, SURVEY_EXAMINED, "egress" },
	{ BPF_CGROUP_UDP4_SENDMSG, SURVEY_EXAMINED_V4 | SURVEY_NAT_V4, "sendmsg4" },
	{ BPF_CGROUP_UDP6_SENDMSG, SURVEY_EXAMINED_V6 | SURVEY_NAT_V6, "sendmsg6" },
	{ BPF_CGROUP_UDP4_RECVMSG, SURVEY_EXAMINED_V4 | SURVEY_NAT_V4, "recvmsg4" },
	{ BPF_CGROUP_UDP6_RECVMSG, SURVEY_EXAMINED_V6 | SURVEY_NAT_V6, "recvmsg6" },
	{ BPF_CGROUP_INET4_CONNECT, SURVEY_EXAMINED_V4 | SURVEY_NAT_V4, "connect4" },
	{ BPF_CGROUP_INET6_CONNECT, SURVEY_EXAMINED_V6 | SURVEY_NAT_V6, "connect6" },
};

static int own = -1; /* /proc/self/cgroup, once it was read */

/*
 * The path of this process' cgroup in the unified hierarchy (cgroups(7)), which is read into `text`.
 * NULL if the kernel does not show one, which is so until that hierarchy is mounted for the
 * first time: then nobody can have attached a program.
 */
static const char *own_path(char *text, size_t size)
{
	char *line = text;

	if (small_file_read_again(&own, "/proc/self/cgroup", text, size))
		return NULL;
	while (strncmp(line, "0::", 3) != 0) {
		line = strchr(line, '\n');
		if (!line)
			return NULL;
		line++;
	}
	line[strcspn(line, "\n")] = '\0';
	return line + 3;
}

/* What of `path` is below a mount whose top is `root`: "/a/b", or "" for the top itself. NULL if it is elsewhere. */
static const char *below(const char *root, const char *path)
{
	size_t length = strcmp(root, "/") ? strlen(root) : 0;

	if (strncmp(path, root, length) || (path[length] && path[length] != '/'))
		return NULL;
	return strcmp(path + length, "/") ? path + length : "";
}

/* ---- the mount that shows this process' cgroup ---- */

static struct {
	int fd;              /* of the directory on top of it; less than 0: it is not known */
	char root[PATH_MAX]; /* the cgroup that this directory is */
} hierarchy = { .fd = -1 };

void cgroup_forget(void)
{
	if (hierarchy.fd >= 0)
		close(hierarchy.fd);
	hierarchy.fd = -1;
	small_file_close(&own);
}

static int open_directory(int at, const char *path)
{
	int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* Looks for the mount in mountinfo (proc(5)). 0 or -errno. */
static int find_mount(const char *path)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	int error = file ? -ENOENT : -errno;
	char *line = NULL;
	size_t size = 0;

	while (error && file && getline(&line, &size, file) > 0) {
		char point[PATH_MAX];

		if (!strstr(line, " - cgroup2 ") || sscanf(line, "%*s %*s %*s %4095s %4095s", hierarchy.root, point) != 2 ||
		    !below(hierarchy.root, path))
			continue;
		hierarchy.fd = open_directory(AT_FDCWD, point);
		error = hierarchy.fd < 0 ? hierarchy.fd : 0;
	}
	free(line);
	if (file)
		fclose(file);
	return error;
}

/*
 * Mounts the hierarchy for this process alone, in no directory: ip-netns(8) hides the mount that
 * is there from what it executes. It takes CAP_SYS_ADMIN, so it is for a server that starts as root.
 * 0 or -errno.
 */
static int mount_unseen(void)
{
	int error = 0, context = (int)syscall(SYS_fsopen, "cgroup2", FSOPEN_CLOEXEC);

	if (context < 0)
		return -errno;
	if (!syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		hierarchy.fd = (int)syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, 0);
	if (hierarchy.fd < 0)
		error = -errno;
	close(context);
	strcpy(hierarchy.root, "/");
	return error;
}

/*
 * Opens the directory of a cgroup. The mount that was found is kept, because the server may give
 * up what it takes to find it. A descriptor; -ENOENT if there is no mount; or another -errno.
 */
static int open_cgroup(const char *path)
{
	const char *rest = hierarchy.fd >= 0 ? below(hierarchy.root, path) : NULL;

	if (!rest) {
		cgroup_forget();
		if (find_mount(path) && mount_unseen())
			return -ENOENT;
		rest = below(hierarchy.root, path);
	}
	return open_directory(hierarchy.fd, *rest ? rest + 1 : ".");
}

/* The number of programs of a kind that run for this cgroup, and their numbers for the signature; or -errno. */
static int count_programs(struct survey *survey, int fd, enum bpf_attach_type type)
{
	__u32 ids[PROGRAMS] = { 0 }, count = PROGRAMS;
	int error = bpf_prog_query(fd, type, BPF_F_QUERY_EFFECTIVE, NULL, ids, &count) ? -errno : 0;

	/* The kernel does not know this kind, or has no programs of cgroups at all. */
	if (error == -EINVAL)
		return 0;
	/* More than there is room for: `count` is how many there are. */
	if (error && error != -ENOSPC)
		return error;
	survey_mix(survey, ids, sizeof(ids[0]) * (count < PROGRAMS ? count : PROGRAMS));
	return (int)count;
}

int cgroup_look(struct survey *survey)
{
	unsigned int programs = 0;
	char text[HIERARCHIES * PATH_MAX], names[128] = "";
	const char *path = own_path(text, sizeof(text));
	uint32_t flags = 0;
	int fd, found = 0;

	if (!path)
		return 0;
	fd = open_cgroup(path);
	if (fd < 0)
		return fd;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]) && found >= 0; i++) {
		size_t used = strlen(names);

		survey_mix(survey, &kinds[i].type, sizeof(kinds[i].type));
		found = count_programs(survey, fd, kinds[i].type);
		if (found <= 0)
			continue;
		programs += (unsigned int)found;
		flags |= kinds[i].flags;
		snprintf(names + used, sizeof(names) - used, "%s%s", used ? ", " : "", kinds[i].name);
	}
	close(fd);
	if (found < 0)
		return found;
	if (programs)
		survey_found(survey, flags, "cgroup: %u program%s (%s)", programs, programs == 1 ? "" : "s", names);
	return 0;
}
