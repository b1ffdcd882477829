/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Loads an XDP program as the server does and prints what the verifier counted:
 * instructions, states and stack. usage: verifier OBJECT
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

/* Not in the headers of older libbpf and kernels. */
#define LOG_STATS 4
#define XDP_HAS_FRAGS (1u << 5)

static char verifier_said[16 << 20];
static int tests;
static bool can_frags; /* this kernel */

static int print_libbpf(enum libbpf_print_level level, const char *format, va_list args)
{
	return level == LIBBPF_WARN ? vfprintf(stderr, format, args) : 0;
}

/* Where a variable of `.rodata` is, NULL if the program has none of this name. */
static void *setting_find(struct bpf_object *object, const char *name)
{
	const struct btf *btf = bpf_object__btf(object);
	int id = btf__find_by_name_kind(btf, ".rodata", BTF_KIND_DATASEC);
	const struct btf_type *section = id < 0 ? NULL : btf__type_by_id(btf, id);
	struct bpf_map *map;

	bpf_object__for_each_map(map, object) {
		const char *map_name = bpf_map__name(map);
		size_t length = strlen(map_name), size;
		/* Older libbpf calls it constant. */
		char *value = (char *)bpf_map__initial_value(map, &size);

		if (!section || !value || length < 7 || strcmp(map_name + length - 7, ".rodata") != 0)
			continue;
		for (int i = 0; i < btf_vlen(section); i++) {
			const struct btf_var_secinfo *variable = btf_var_secinfos(section) + i;
			const struct btf_type *type = btf__type_by_id(btf, variable->type);

			if (!strcmp(btf__name_by_offset(btf, type->name_off), name))
				return value + variable->offset;
		}
	}
	return NULL;
}

static void setting_put(struct bpf_object *object, const char *name, __u32 value)
{
	void *at = setting_find(object, name);

	if (at)
		memcpy(at, &value, sizeof(value));
}

/* The lines that matter: the last ones hold the complaint or the figures. */
static void print_log(int error)
{
	char *line = verifier_said;
	size_t length = strlen(line);

	if (error && length > 3000)
		line += length - 3000;
	for (line = strtok(line, "\n"); line; line = strtok(NULL, "\n"))
		printf("# %s\n", line);
}

static int load(const char *path, bool clock, bool frags, int level)
{
	struct bpf_object *object = bpf_object__open_file(path, NULL);
	struct bpf_program *program = object ? bpf_object__next_program(object, NULL) : NULL;
	struct bpf_map *map;
	int error;

	if (!program)
		return -errno;
	setting_put(object, "flow_slots", 65536);
	setting_put(object, "weak_order", !clock);
	setting_put(object, "coarse_clock", clock);
	setting_put(object, "frags", frags);
	setting_put(object, "can_move", clock && can_frags);
	bpf_object__for_each_map(map, object) {
		/* The server sets these; what the verifier does does not depend on how many. */
		if (bpf_map__max_entries(map) == 1 && bpf_map__type(map) == BPF_MAP_TYPE_HASH)
			bpf_map__set_max_entries(map, 1024);
	}
	if (frags)
		bpf_program__set_flags(program, XDP_HAS_FRAGS);
	bpf_program__set_log_level(program, level);
	bpf_program__set_log_buf(program, verifier_said, sizeof(verifier_said));
	verifier_said[0] = '\0';
	error = bpf_object__load(object);
	bpf_object__close(object);
	return error;
}

static void test(const char *path, bool clock, bool frags)
{
	int error = load(path, clock, frags, LOG_STATS);

	/* Only a failure is worth a walk through the whole program. */
	if (error)
		load(path, clock, frags, 1);
	print_log(error);
	printf("%sok %d - the verifier accepts the program%s%s%s%s\n", error ? "not " : "", ++tests,
	       frags ? ", frames of several buffers" : "", clock ? "" : ", without the coarse clock",
	       error ? ": " : "", error ? strerror(-error) : "");
	fflush(stdout);
	if (error)
		exit(1);
}

int main(int count, char **word)
{
	struct bpf_object *object;
	bool clock, has_clock, has_frags;

	if (count != 2) {
		fprintf(stderr, "usage: verifier OBJECT\n");
		return 2;
	}
	libbpf_set_print(print_libbpf);
	object = bpf_object__open_file(word[1], NULL);
	if (!object) {
		fprintf(stderr, "%s: %s\n", word[1], strerror(errno));
		return 1;
	}
	has_clock = setting_find(object, "coarse_clock");
	has_frags = setting_find(object, "frags");
	bpf_object__close(object);

	clock = libbpf_probe_bpf_helper(BPF_PROG_TYPE_XDP, BPF_FUNC_ktime_get_coarse_ns, NULL) == 1;
	can_frags = libbpf_probe_bpf_helper(BPF_PROG_TYPE_XDP, BPF_FUNC_xdp_get_buff_len, NULL) == 1;
	printf("# bpf_ktime_get_coarse_ns: %s; bpf_xdp_get_buff_len: %s\n", clock ? "yes" : "no",
	       can_frags ? "yes" : "no");
	printf("TAP version 13\n1..%d\n", 1 + (has_frags && can_frags) + (has_clock && clock));
	test(word[1], clock, false);
	if (has_frags && can_frags)
		test(word[1], clock, true);
	/* The other half of the program, as an older kernel would take it. */
	if (has_clock && clock)
		test(word[1], false, false);
	return 0;
}
