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
	const char *verifier; /* its last line when the program is attached, or NULL */
	bool no_copy;
	uint32_t xdp_id; /* of what is attached at IFINDEX */
	int query_error;
	/* what else is loaded, by its id less 1 */
	struct loaded {
		enum bpf_prog_type type;
		uint32_t map;
		int open_error, info_error;
	} loaded[2 * PROGRAMS];
	uint32_t loaded_count;
	int list_error;
	/* what is open */
	int dispatchers, objects, programs;
	/* what was done */
	unsigned int attached, detached;
	enum xdp_attach_mode attach_mode, detach_mode;
} host;

static char some_object; /* any address */

static libxdp_print_fn_t print_line;

libxdp_print_fn_t libxdp_set_print(libxdp_print_fn_t print)
{
	print_line = print;
	return print;
}

static void print_verifier(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_line(LIBXDP_WARN, format, args);
	va_end(args);
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

/* Descriptors are these from 1000 on, those of maps from 2000 on, those of what else is loaded from 3000 on. */
int xdp_program__fd(const struct xdp_program *program)
{
	return program == &host.ours ? 1000 + PROGRAMS : 1000 + (int)(program - host.program);
}

int xdp_program__attach(struct xdp_program *program, int ifindex, enum xdp_attach_mode mode, unsigned int flags)
{
	assert_ptr_equal(program, &host.ours);
	assert_true(ifindex >= IFINDEX);
	assert_int_equal(flags, 0);
	if (host.verifier)
		print_verifier("libbpf: prog 'turn': -- BEGIN PROG LOAD LOG --\n%s\n-- END PROG LOAD LOG --\n", host.verifier);
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

static int failure(int error)
{
	errno = -error;
	return error;
}

int bpf_map_get_fd_by_id(__u32 id)
{
	return 2000 + (int)id;
}

int bpf_prog_get_next_id(__u32 id, __u32 *next)
{
	if (host.list_error)
		return failure(host.list_error);
	if (id >= host.loaded_count)
		return failure(-ENOENT);
	*next = id + 1;
	return 0;
}

int bpf_prog_get_fd_by_id(__u32 id)
{
	assert_in_range(id, 1, host.loaded_count);
	if (host.loaded[id - 1].open_error)
		return failure(host.loaded[id - 1].open_error);
	return 2999 + (int)id;
}

/* The id of a table: of a program's place and the table's own. */
static uint32_t map_id(size_t program, size_t map)
{
	return (uint32_t)(1 + program * 10 + map);
}

static int info_of_map(uint32_t id, struct bpf_map_info *info)
{
	snprintf(info->name, sizeof(info->name), "%s", host.program[(id - 1) / 10].map[(id - 1) % 10]);
	return 0;
}

/* It has more tables than there is room for: the second one is `map`. */
static int info_of_loaded(const struct loaded *loaded, struct bpf_prog_info *info)
{
	assert_in_range(info->nr_map_ids, 2, 999);
	((__u32 *)(uintptr_t)info->map_ids)[1] = loaded->map;
	info->nr_map_ids = 1000;
	info->type = loaded->type;
	return loaded->info_error ? failure(loaded->info_error) : 0;
}

int bpf_obj_get_info_by_fd(int fd, void *info, __u32 *size)
{
	struct bpf_prog_info *of_program = info;

	if (fd >= 3000)
		return info_of_loaded(&host.loaded[fd - 3000], info);
	if (fd >= 2000) {
		assert_true(*size >= sizeof(struct bpf_map_info));
		return info_of_map((uint32_t)fd - 2000, info);
	}
	assert_true(*size >= sizeof(*of_program));
	for (__u32 i = 0; i < 3; i++)
		((__u32 *)(uintptr_t)of_program->map_ids)[i] = map_id((size_t)fd - 1000, i);
	of_program->nr_map_ids = 3;
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

static int set_up(void **state)
{
	(void)state;
	memset(&host, 0, sizeof(host));
	host.dispatcher.mode = XDP_MODE_NATIVE;
	host.ours = (struct xdp_program){ .name = "turn" };
	return 0;
}

static void check_closed(void)
{
	assert_int_equal(host.dispatchers, 0);
	assert_int_equal(host.objects, 0);
	assert_int_equal(host.programs, 0);
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
		dispatcher_leave(IFINDEX + 1);
		assert_int_equal(host.detached, 0);
		dispatcher_leave(IFINDEX);
		assert_int_equal(host.detached, 1);
		assert_int_equal(host.detach_mode, cases[i].mode);
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
		check_closed();
		dispatcher_leave(IFINDEX);
		assert_int_equal(host.detached, 0);
	}
}

/* Only where the verifier says it, and only in the attempt in which it did. */
static void test_refused_by_old_libxdp(void **state)
{
	static const struct {
		const char *verifier;
		const char *expected;
	} cases[] = {
		{ "Extension program changes packet data, while original does not", "libxdp before 1.5.5" },
		{ NULL, "(Invalid argument)" },
		{ "invalid access to packet, off=0 size=1", "(Invalid argument)" },
	};
	bool generic = false;

	(void)state;
	host.attach_error = -EINVAL;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char why[256] = "";

		host.verifier = cases[i].verifier;
		assert_int_equal(dispatcher_join(IFINDEX, copy, &generic, why, sizeof(why)), -EINVAL);
		assert_non_null(strstr(why, cases[i].expected));
		check_closed();
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

/* Loads another program, which has this table. */
static struct loaded *load(enum bpf_prog_type type, uint32_t map)
{
	struct loaded *loaded = &host.loaded[host.loaded_count++];

	*loaded = (struct loaded){ .type = type, .map = map };
	return loaded;
}

static void test_clean(void **state)
{
	static const struct {
		const char *what;
		struct xdp_program program;
		size_t flows; /* its place among the tables */
		bool runs, removed;
	} cases[] = {
		{ "another's program", { "beside", { "flows", "hops", "" }, true, 0 }, 0, false, false },
		{ "ours, of a server that has ended", { "turn", { "hops", "x", "flows" }, true, 0 }, 2, false, true },
		{ "ours, of a server that runs", { "turn", { "hops", "flows", "" }, true, 0 }, 1, true, false },
		{ "another's of our name", { "turn", { "hops", "other", "" }, true, 0 }, 1, false, false },
		{ "another's of our name too", { "turn", { "flows", "other", "" }, true, 0 }, 0, false, false },
		{ "one without a name", { NULL, { "flows", "hops", "" }, true, 0 }, 0, false, false },
		{ "another that was left behind", { "turn", { "flows", "hops", "" }, true, 0 }, 0, false, true },
	};

	(void)state;
	host.dispatcher.mode = XDP_MODE_SKB;
	/* One that was freed since it was listed hides no other. */
	load(BPF_PROG_TYPE_XDP, 0)->open_error = -ENOENT;
	for (size_t i = 0; i < COUNT(cases); i++) {
		host.program[i] = cases[i].program;
		load(BPF_PROG_TYPE_EXT, map_id(i, cases[i].flows));
		if (cases[i].runs)
			load(BPF_PROG_TYPE_XDP, map_id(i, cases[i].flows));
	}
	dispatcher_clean(IFINDEX);
	for (size_t i = 0; i < COUNT(cases); i++) {
		if (host.program[i].there == cases[i].removed)
			fail_msg("%s", cases[i].what);
	}
	assert_int_equal(host.detached, 2);
	assert_int_equal(host.detach_mode, XDP_MODE_SKB);
	check_closed();
}

/* Where the kernel does not tell whether the server runs, its program stays. */
static void test_clean_in_doubt(void **state)
{
	static const struct {
		const char *what;
		int list_error, open_error, info_error;
	} cases[] = {
		{ "no list of programs", -EPERM, 0, 0 },
		{ "a program that cannot be opened", 0, -EMFILE, 0 },
		{ "a program that says nothing of itself", 0, 0, -EPERM },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct loaded *loaded;

		set_up(state);
		host.program[0] = (struct xdp_program){ "turn", { "flows", "hops", "" }, true, 0 };
		loaded = load(BPF_PROG_TYPE_EXT, 0);
		host.list_error = cases[i].list_error;
		loaded->open_error = cases[i].open_error;
		loaded->info_error = cases[i].info_error;
		dispatcher_clean(IFINDEX);
		if (!host.program[0].there)
			fail_msg("%s", cases[i].what);
		check_closed();
	}
}

/* One that does not go is left, and the rest still looked at; nothing is tried for ever. */
static void test_clean_fails(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 2; i++)
		host.program[i] = (struct xdp_program){ "turn", { "flows", "hops", "" }, true, i ? 0 : -EBUSY };
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
		cmocka_unit_test_setup(test_refused_by_old_libxdp, set_up),
		cmocka_unit_test_setup(test_full, set_up),
		cmocka_unit_test_setup(test_clean, set_up),
		cmocka_unit_test_setup(test_clean_in_doubt, set_up),
		cmocka_unit_test_setup(test_clean_fails, set_up),
		cmocka_unit_test_setup(test_holds, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
