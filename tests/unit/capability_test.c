/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The capabilities of a thread: each case runs in a process of its own, because a capability that was dropped does not
 * come back. This takes root.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* setresuid */
#endif
#include "unit.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/capability.h"
#include "base/log.h"

#ifndef CAP_PERFMON
#define CAP_PERFMON 38 /* Linux 5.8 */
#define CAP_BPF 39
#endif

#define BIT(capability) (1ULL << (capability))
#define OURS (BIT(CAP_BPF) | BIT(CAP_NET_ADMIN) | BIT(CAP_PERFMON))
#define NOBODY 65534

static struct sets {
	uint64_t permitted, effective, inheritable;
} sets_get(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	memset(data, 0, sizeof(data));
	syscall(SYS_capget, &header, data);
	return (struct sets){ data[0].permitted | (uint64_t)data[1].permitted << 32,
			      data[0].effective | (uint64_t)data[1].effective << 32,
			      data[0].inheritable | (uint64_t)data[1].inheritable << 32 };
}

static int sets_put_all(const struct sets *sets)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	for (int i = 0; i < 2; i++)
		data[i] = (struct __user_cap_data_struct){
			.permitted = (uint32_t)(sets->permitted >> 32 * i),
			.effective = (uint32_t)(sets->effective >> 32 * i),
			.inheritable = (uint32_t)(sets->inheritable >> 32 * i),
		};
	return (int)syscall(SYS_capset, &header, data);
}

static int sets_put(uint64_t permitted, uint64_t effective)
{
	return sets_put_all(&(struct sets){ .permitted = permitted, .effective = effective });
}

static uint64_t ambient_get(void)
{
	uint64_t ambient = 0;

	for (unsigned long i = 0; i < 64; i++) {
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, i, 0L, 0L) == 1)
			ambient |= BIT(i);
	}
	return ambient;
}

static unsigned int lines;

static void count_line(enum log_level level, const char *line)
{
	(void)level, (void)line;
	lines++;
}

/* Runs a case in a process of its own; the case returns 0, or the line of the check that failed. */
static void run(const char *name, int (*run_case)(const void *), const void *argument)
{
	int status = 0;
	pid_t pid;

	if (geteuid() || (sets_get().effective & OURS) != OURS) {
		print_message("# the test takes root with all capabilities\n");
		skip();
	}
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		int line;

		log_to(count_line);
		line = run_case(argument);
		if (line)
			fprintf(stderr, "%s: the check in line %d failed\n", name, line);
		_exit(line != 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_entry_equal(name, status, 0);
}

#define CHECK(condition)                 \
	do {                             \
		if (!(condition))        \
			return __LINE__; \
	} while (0)

/* ---- what is missing ---- */

struct missing {
	const char *name;
	uint64_t effective;
	const char *names; /* NULL: none is missing */
};

static int check_missing(const void *argument)
{
	const struct missing *entry = argument;
	char names[64] = "untouched";

	CHECK(!sets_put(entry->effective, entry->effective));
	CHECK(capability_missing(names, sizeof(names)) == (entry->names != NULL));
	CHECK(!strcmp(names, entry->names ? entry->names : "untouched"));
	return 0;
}

static void test_missing(void **state)
{
	static const struct missing table[] = {
		{ "all three", OURS, NULL },
		{ "CAP_SYS_ADMIN includes two", BIT(CAP_SYS_ADMIN) | BIT(CAP_NET_ADMIN), NULL },
		{ "it does not include CAP_NET_ADMIN", BIT(CAP_SYS_ADMIN), "CAP_NET_ADMIN" },
		{ "no CAP_BPF", OURS & ~BIT(CAP_BPF), "CAP_BPF" },
		{ "no CAP_NET_ADMIN", OURS & ~BIT(CAP_NET_ADMIN), "CAP_NET_ADMIN" },
		{ "no CAP_PERFMON", OURS & ~BIT(CAP_PERFMON), "CAP_PERFMON" },
		{ "two", BIT(CAP_NET_ADMIN), "CAP_BPF and CAP_PERFMON" },
		{ "none", 0, "CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++)
		run(table[i].name, check_missing, &table[i]);
}

/* ---- changes ---- */

static int check_reduce(const void *unused)
{
	(void)unused;
	CHECK(!capability_reduce(CAPABILITY_NET_ADMIN | CAPABILITY_BPF));
	CHECK(sets_get().permitted == (BIT(CAP_NET_ADMIN) | BIT(CAP_BPF)));
	CHECK(sets_get().effective == (BIT(CAP_NET_ADMIN) | BIT(CAP_BPF)));
	/* The thread does not have the third one any more; the others are left. */
	CHECK(capability_reduce(CAPABILITY_NET_ADMIN | CAPABILITY_PERFMON) == -EPERM);
	CHECK(sets_get().effective == BIT(CAP_NET_ADMIN));
	CHECK(!capability_reduce(0));
	CHECK(sets_get().permitted == 0);
	return 0;
}

static int check_raise(const void *unused)
{
	uint64_t permitted = BIT(CAP_NET_ADMIN) | BIT(CAP_BPF) | BIT(CAP_SETUID);

	(void)unused;
	CHECK(!sets_put(permitted, 0));
	capability_raise();
	CHECK(sets_get().permitted == permitted);
	CHECK(sets_get().effective == (BIT(CAP_NET_ADMIN) | BIT(CAP_BPF)));
	CHECK(lines == 0);
	return 0;
}

static int check_without_bpf(const void *unused)
{
	uint64_t all = OURS | BIT(CAP_SYS_ADMIN);

	(void)unused;
	CHECK(!sets_put(all, all));
	CHECK(!capability_without_bpf(true));
	CHECK(sets_get().permitted == all);
	CHECK(sets_get().effective == (BIT(CAP_NET_ADMIN) | BIT(CAP_PERFMON)));
	CHECK(!capability_without_bpf(false));
	CHECK(sets_get().effective == all);
	/* What is not permitted does not come into effect. */
	CHECK(!sets_put(OURS, BIT(CAP_NET_ADMIN)));
	CHECK(!capability_without_bpf(false));
	CHECK(sets_get().effective == (BIT(CAP_NET_ADMIN) | BIT(CAP_BPF)));
	return 0;
}

static void test_changes(void **state)
{
	(void)state;
	run("reduce", check_reduce, NULL);
	run("raise", check_raise, NULL);
	run("without CAP_BPF", check_without_bpf, NULL);
}

/* ---- what is given up ---- */

/* The unit's own capability, for a port below 1024, stays. */
static int check_give_up(const void *unused)
{
	uint64_t after = BIT(CAP_NET_BIND_SERVICE), before = OURS | after;
	struct sets sets = { before, before, before };

	(void)unused;
	CHECK(!sets_put_all(&sets));
	for (unsigned long i = 0; i < 64; i++)
		CHECK(!(before & BIT(i)) || !prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, i, 0L, 0L));
	CHECK(ambient_get() == before);
	capability_give_up();
	CHECK(lines == 0);
	sets = sets_get();
	CHECK(sets.permitted == after && sets.effective == after && sets.inheritable == after);
	CHECK(ambient_get() == after);
	return 0;
}

static int check_give_up_permitted(const void *unused)
{
	(void)unused;
	CHECK(!sets_put(OURS | BIT(CAP_SETUID), BIT(CAP_SETUID)));
	capability_give_up();
	CHECK(sets_get().permitted == BIT(CAP_SETUID));
	CHECK(sets_get().effective == BIT(CAP_SETUID));
	return 0;
}

/* From now on capset(2) fails, as in a sandbox that forbids it. */
static int forbid_capset(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_capset, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = COUNT(code), .filter = code };

	return prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) ||
	       prctl(PR_SET_SECCOMP, (long)SECCOMP_MODE_FILTER, &program);
}

static int check_give_up_fails(const void *unused)
{
	(void)unused;
	CHECK(!sets_put(BIT(CAP_PERFMON), 0));
	CHECK(!forbid_capset());
	capability_give_up();
	CHECK(lines == 1);
	CHECK(sets_get().permitted == BIT(CAP_PERFMON));
	return 0;
}

/* A server that was started without them does not depend on capset(2). */
static int check_nothing_to_give_up(const void *unused)
{
	(void)unused;
	CHECK(!sets_put(BIT(CAP_NET_BIND_SERVICE), BIT(CAP_NET_BIND_SERVICE)));
	CHECK(!forbid_capset());
	capability_give_up();
	CHECK(lines == 0);
	return 0;
}

static void test_give_up(void **state)
{
	(void)state;
	run("give up", check_give_up, NULL);
	run("give up what is only permitted", check_give_up_permitted, NULL);
	run("give up fails", check_give_up_fails, NULL);
	run("nothing to give up", check_nothing_to_give_up, NULL);
}

/* ---- the change of the user ---- */

static int check_keep(const void *unused)
{
	(void)unused;
	capability_keep(CAPABILITY_NET_ADMIN);
	CHECK(lines == 0);
	/* The change of the user itself takes two, and nothing else is left. */
	CHECK(sets_get().effective == (BIT(CAP_NET_ADMIN) | BIT(CAP_SETUID) | BIT(CAP_SETGID)));
	CHECK(!setresgid(NOBODY, NOBODY, NOBODY));
	CHECK(!setresuid(NOBODY, NOBODY, NOBODY));
	CHECK(!capability_reduce(CAPABILITY_NET_ADMIN));
	CHECK(sets_get().effective == BIT(CAP_NET_ADMIN));
	return 0;
}

static int check_not_kept(const void *unused)
{
	(void)unused;
	CHECK(!setresuid(NOBODY, NOBODY, NOBODY));
	CHECK(capability_reduce(CAPABILITY_NET_ADMIN) == -EPERM);
	return 0;
}

/* A container's manager may have locked the setting: the log says so. */
static int check_keep_fails(const void *unused)
{
	(void)unused;
	CHECK(!prctl(PR_SET_SECUREBITS, SECBIT_KEEP_CAPS_LOCKED));
	capability_keep(CAPABILITY_NET_ADMIN);
	CHECK(lines == 1);
	return 0;
}

static void test_keep(void **state)
{
	(void)state;
	run("keep", check_keep, NULL);
	run("not kept", check_not_kept, NULL);
	run("keep fails", check_keep_fails, NULL);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_give_up),
		cmocka_unit_test(test_keep),
	};

	return cmocka_run_group_tests_name("capability", tests, NULL, NULL);
}
