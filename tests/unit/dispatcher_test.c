/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Through libxdp's dispatcher, on a libxdp that is made up: few kernels run the
 * real one (BPF_PROG_TYPE_EXT), and the guests of tests/vm/dispatcher_test.py are slow.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "unit.h"

#include <stdbool.h>

/* The file under test. */
#include "iface/dispatcher.c"

#define IFINDEX 7 /* the first of those that have a dispatcher */
#define PROGRAMS 8

/* ---- libxdp, and what it has in the kernel ---- */

struct xdp_program {
	const char *name;
	uint32_t id;
	const char *map[3];
	bool there; /* in the dispatcher */
	int detach_error;
};

struct xdp_multiprog {
	bool legacy;
	enum xdp_attach_mode mode;
};

static struct {
	struct xdp_multiprog dispatcher;
	bool none;
	struct xdp_program program[PROGRAMS]; /* in the dispatcher */
	struct xdp_program ours;
	int object_error, attach_error;
	bool no_copy;
	uint32_t xdp_id; /* of what is attached at IFINDEX */
	int query_error;
	/* what is open */
	int dispatchers, objects, programs;
	/* what was done */
	unsigned int attached, detached;
	enum xdp_attach_mode attach_mode, detach_mode;
} host;

static char some_object; /* any address */

libxdp_print_fn_t libxdp_set_print(libxdp_print_fn_t print)
{
	return print;
}

/* NULL is no error to it. */
long libxdp_get_error(const void *pointer)
{
	return (uintptr_t)pointer >= (uintptr_t)-4095 ? (long)(intptr_t)pointer : 0;
}

struct xdp_multiprog *xdp_multiprog__get_from_ifindex(int ifindex)
{
	if (ifindex < IFINDEX || host.none)
		return (struct xdp_multiprog *)(intptr_t)-ENOENT;
	host.dispatchers++;
	return &host.dispatcher;
}

void xdp_multiprog__close(struct xdp_multiprog *dispatcher)
{
	assert_ptr_equal(dispatcher, &host.dispatcher);
	host.dispatchers--;
}

bool xdp_multiprog__is_legacy(const struct xdp_multiprog *dispatcher)
{
	return dispatcher->legacy;
}

enum xdp_attach_mode xdp_multiprog__attach_mode(const struct xdp_multiprog *dispatcher)
{
	return dispatcher->mode;
}

struct xdp_program *xdp_multiprog__next_prog(const struct xdp_program *program,
					     const struct xdp_multiprog *dispatcher)
{
	assert_ptr_equal(dispatcher, &host.dispatcher);
	for (size_t i = program ? (size_t)(program - host.program) + 1 : 0; i < PROGRAMS; i++) {
		if (host.program[i].there)
			return &host.program[i];
	}
	return NULL;
}

struct xdp_program *xdp_program__from_bpf_obj(struct bpf_object *object, const char *section)
{
	assert_ptr_equal(object, &some_object);
	assert_string_equal(section, "xdp");
	if (host.object_error)
		return (struct xdp_program *)(intptr_t)host.object_error;
	host.programs++;
	return &host.ours;
}

void xdp_program__close(struct xdp_program *program)
{
	if (program)
		host.programs--;
}

const char *xdp_program__name(const struct xdp_program *program)
{
	return program->name;
}

/* Descriptors are these from 1000 on, those of maps from 2000 on. */
int xdp_program__fd(const struct xdp_program *program)
{
	return program == &host.ours ? 1000 + PROGRAMS : 1000 + (int)(program - host.program);
}

int xdp_program__attach(struct xdp_program *program, int ifindex, enum xdp_attach_mode mode, unsigned int flags)
{
	assert_ptr_equal(program, &host.ours);
	assert_true(ifindex >= IFINDEX);
	assert_int_equal(flags, 0);
	if (!host.attach_error)
		host.attached++;
	host.attach_mode = mode;
	return host.attach_error;
}

int xdp_program__detach(struct xdp_program *program, int ifindex, enum xdp_attach_mode mode, unsigned int flags)
{
	assert_true(ifindex >= IFINDEX);
	assert_int_equal(flags, 0);
	host.detach_mode = mode;
	if (program->detach_error)
		return program->detach_error;
	host.detached++;
	program->there = false;
	return 0;
}

/* ---- libbpf ---- */

static const struct xdp_program *program_of(int fd)
{
	unsigned int place = (unsigned int)fd - 1000;

	return place < PROGRAMS ? &host.program[place] : &host.ours;
}

int bpf_map_get_fd_by_id(__u32 id)
{
	return 2000 + (int)id;
}

/* A map's number is its program's place, and its own. */
int bpf_obj_get_info_by_fd(int fd, void *info, __u32 *size)
{
	struct bpf_prog_info *of_program = info;
	struct bpf_map_info *of_map = info;
	const struct xdp_program *program;
	const char *name;

	if (fd >= 2000) {
		assert_true(*size >= sizeof(*of_map));
		name = host.program[(fd - 2000) / 10].map[(fd - 2000) % 10];
		snprintf(of_map->name, sizeof(of_map->name), "%s", name);
		return 0;
	}
	program = program_of(fd);
	of_program->id = program->id;
	for (__u32 i = 0; i < 3 && of_program->map_ids; i++)
		((__u32 *)(uintptr_t)of_program->map_ids)[i] = (__u32)(fd - 1000) * 10 + i;
	of_program->nr_map_ids = of_program->map_ids ? 3 : 0;
	return 0;
}

void bpf_object__close(struct bpf_object *object)
{
	if (object)
		host.objects--;
}

int bpf_xdp_query_id(int ifindex, int flags, __u32 *id)
{
	assert_int_equal(ifindex, IFINDEX);
	assert_int_equal(flags, 0);
	if (!host.query_error)
		*id = host.xdp_id;
	return host.query_error;
}

static struct bpf_object *copy(void)
{
	if (host.no_copy)
		return NULL;
	host.objects++;
	return (struct bpf_object *)&some_object;
}

/* ---- the tests ---- */

/* Programs of this test alone: the names of sockets are the whole machine's. */
static uint32_t own_id(uint32_t number)
{
	return 1u << 31 | (uint32_t)getpid() << 5 | number;
}

static int set_up(void **state)
{
	(void)state;
	memset(&host, 0, sizeof(host));
	host.dispatcher.mode = XDP_MODE_NATIVE;
	host.ours = (struct xdp_program){ .name = "turn", .id = own_id(31) };
	return 0;
}

static void check_closed(void)
{
	assert_int_equal(host.dispatchers, 0);
	assert_int_equal(host.objects, 0);
	assert_int_equal(host.programs, 0);
}

/* Whether a server that has this program lives. */
static bool is_claimed(uint32_t id)
{
	int fd = claim(id);

	if (fd >= 0)
		close(fd);
	return fd < 0;
}

static void test_is_there(void **state)
{
	(void)state;
	assert_true(dispatcher_is_there(IFINDEX));
	assert_false(dispatcher_is_there(IFINDEX - 1));
	host.dispatcher.legacy = true; /* one program, attached as ever */
	assert_false(dispatcher_is_there(IFINDEX));
	host.none = true;
	assert_false(dispatcher_is_there(IFINDEX));
	check_closed();
}

static void test_in_and_out(void **state)
{
	static const struct {
		enum xdp_attach_mode mode;
		bool generic;
	} cases[] = { { XDP_MODE_NATIVE, false }, { XDP_MODE_SKB, true } };
	char why[128] = "as it was";

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		bool generic = !cases[i].generic;

		set_up(state);
		host.dispatcher.mode = cases[i].mode;
		assert_int_equal(dispatcher_join(IFINDEX, copy, &generic, why, sizeof(why)), 0);
		assert_int_equal(generic, cases[i].generic);
		assert_string_equal(why, "as it was");
		assert_int_equal(host.attached, 1);
		assert_int_equal(host.attach_mode, cases[i].mode);
		assert_int_equal(host.dispatchers, 0);
		assert_true(is_claimed(host.ours.id));
		dispatcher_leave(IFINDEX + 1);
		assert_int_equal(host.detached, 0);
		dispatcher_leave(IFINDEX);
		assert_int_equal(host.detached, 1);
		assert_int_equal(host.detach_mode, cases[i].mode);
		assert_false(is_claimed(host.ours.id));
		check_closed();
		dispatcher_leave(IFINDEX);
		assert_int_equal(host.detached, 1);
	}
}

static void test_refused(void **state)
{
	static const struct {
		const char *name;
		bool none, legacy, no_copy;
		int object_error, attach_error, error;
	} cases[] = {
		{ "nothing attached", true, false, false, 0, 0, -ENOENT },
		{ "a program attached as ever", false, true, false, 0, 0, -ENOENT },
		{ "no memory for a copy", false, false, true, 0, 0, -ENOMEM },
		{ "a copy that libxdp does not know", false, false, false, -EINVAL, 0, -EINVAL },
		{ "a kernel that does not take it", false, false, false, 0, -EOPNOTSUPP, -EOPNOTSUPP },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		char why[128] = "";
		bool generic = i & 1;

		set_up(state);
		host.none = cases[i].none;
		host.dispatcher.legacy = cases[i].legacy;
		host.no_copy = cases[i].no_copy;
		host.object_error = cases[i].object_error;
		host.attach_error = cases[i].attach_error;
		if (dispatcher_join(IFINDEX, copy, &generic, why, sizeof(why)) != cases[i].error)
			fail_msg("%s", cases[i].name);
		assert_int_equal(generic, i & 1);
		assert_non_null(strstr(why, strerror(-cases[i].error)));
		assert_int_equal(host.attached, 0);
		assert_false(is_claimed(host.ours.id));
		check_closed();
		dispatcher_leave(IFINDEX);
		assert_int_equal(host.detached, 0);
	}
}

/* On no more devices than the program can be on at all. */
static void test_full(void **state)
{
	char why[128] = "";
	bool generic = false;

	(void)state;
	for (uint32_t i = 0; i < ABI_ATTACHMENTS; i++)
		assert_int_equal(dispatcher_join(IFINDEX + i, copy, &generic, why, sizeof(why)), 0);
	assert_int_equal(dispatcher_join(IFINDEX + ABI_ATTACHMENTS, copy, &generic, why, sizeof(why)), -ENOSPC);
	assert_int_equal(host.attached, ABI_ATTACHMENTS);
	for (uint32_t i = 0; i < ABI_ATTACHMENTS; i++)
		dispatcher_leave(IFINDEX + i);
	assert_int_equal(host.detached, ABI_ATTACHMENTS);
	check_closed();
}

/* A name that somebody else has, which may be anybody, is no reason to be without the program. */
static void test_claimed_already(void **state)
{
	char why[128] = "";
	bool generic = false;
	int fd;

	(void)state;
	fd = claim(host.ours.id);
	assert_true(fd >= 0);
	assert_int_equal(dispatcher_join(IFINDEX, copy, &generic, why, sizeof(why)), 0);
	dispatcher_leave(IFINDEX);
	check_closed();
	assert_true(is_claimed(host.ours.id));
	close(fd);
}

static void test_clean(void **state)
{
	static const struct {
		const char *what;
		struct xdp_program program;
		bool lives, removed;
	} cases[] = {
		{ "another's program", { "beside", 0, { "flows", "hops", "" }, true, 0 }, false, false },
		{ "ours, of a server that has ended", { "turn", 1, { "hops", "x", "flows" }, true, 0 }, false, true },
		{ "ours, of a server that lives", { "turn", 2, { "flows", "hops", "" }, true, 0 }, true, false },
		{ "another's of our name", { "turn", 3, { "hops", "other", "" }, true, 0 }, false, false },
		{ "another's of our name too", { "turn", 4, { "flows", "other", "" }, true, 0 }, false, false },
		{ "one without a name", { NULL, 5, { "flows", "hops", "" }, true, 0 }, false, false },
		{ "another that was left behind", { "turn", 6, { "flows", "hops", "" }, true, 0 }, false, true },
	};
	int held[PROGRAMS];

	(void)state;
	host.dispatcher.mode = XDP_MODE_SKB;
	for (size_t i = 0; i < COUNT(cases); i++) {
		host.program[i] = cases[i].program;
		host.program[i].id = own_id((uint32_t)i);
		held[i] = cases[i].lives ? claim(own_id((uint32_t)i)) : -1;
	}
	dispatcher_clean(IFINDEX);
	for (size_t i = 0; i < COUNT(cases); i++) {
		if (host.program[i].there == cases[i].removed)
			fail_msg("%s", cases[i].what);
		if (held[i] >= 0)
			close(held[i]);
	}
	assert_int_equal(host.detached, 2);
	assert_int_equal(host.detach_mode, XDP_MODE_SKB);
	check_closed();
}

/* One that does not go is left, and the rest still looked at; nothing is tried for ever. */
static void test_clean_fails(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 2; i++)
		host.program[i] = (struct xdp_program){ "turn", own_id(i), { "flows", "hops", "" }, true,
							i ? 0 : -EBUSY };
	dispatcher_clean(IFINDEX);
	assert_true(host.program[0].there);
	assert_false(host.program[1].there);
	check_closed();
	host.none = true;
	dispatcher_clean(IFINDEX);
	check_closed();
}

/* What cannot be known counts as held: the interface is not attached to a second time. */
static void test_holds(void **state)
{
	(void)state;
	assert_false(dispatcher_holds(IFINDEX));
	host.xdp_id = 3;
	assert_true(dispatcher_holds(IFINDEX));
	host.xdp_id = 0;
	host.query_error = -EPERM;
	assert_true(dispatcher_holds(IFINDEX));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_is_there, set_up),
		cmocka_unit_test_setup(test_in_and_out, set_up),
		cmocka_unit_test_setup(test_refused, set_up),
		cmocka_unit_test_setup(test_full, set_up),
		cmocka_unit_test_setup(test_claimed_already, set_up),
		cmocka_unit_test_setup(test_clean, set_up),
		cmocka_unit_test_setup(test_clean_fails, set_up),
		cmocka_unit_test_setup(test_holds, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
