/* SPDX-License-Identifier: BSD-3-Clause */
#include "tracer.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/library_log.h"
#include "capture.skel.h"
#include "variable.h"

/* The XDP program, and a copy for each device that has it through libxdp's dispatcher. */
#define PROGRAMS_MAX (1 + ABI_ATTACHMENTS)

struct tracer {
	unsigned int count;
	struct bpf_object *object[PROGRAMS_MAX]; /* all share the maps of the first one */
	struct bpf_link *link[2 * PROGRAMS_MAX];
	struct capture_bpf *first;
	struct ring_buffer *ring;
};

/* ---- the first one, whose maps all share ---- */

/* The settings of the server's program that the look-up of a flow takes. */
static int copy_settings(const struct server *server, struct capture_bpf *made)
{
	uint32_t map = server->map[TABLE_CONSTANTS];
	int error;

#define COPY(name) variable_read(map, ".rodata", #name, (void *)&made->rodata->name, sizeof(made->rodata->name))
	error = COPY(flow_slots);
	if (!error)
		error = COPY(flow_slot_stride);
	if (!error)
		error = COPY(flow_seed);
	if (!error)
		error = COPY(weak_order);
	if (!error)
		error = COPY(frags);
#undef COPY
	return error;
}

/* The maps that are the server's. Others that capture.bpf.c has by maps.h are not needed, and not made. */
static int share_tables(const struct tables *tables, struct capture_bpf *made)
{
	int error = bpf_map__reuse_fd(made->maps.flows, tables->fd[TABLE_FLOWS]);
	struct bpf_map *map;

	if (!error)
		error = bpf_map__reuse_fd(made->maps.words, tables->fd[TABLE_WORDS]);
	if (!error)
		error = bpf_map__reuse_fd(made->maps.data_own6, tables->fd[TABLE_OWN6]);
	if (!error)
		error = bpf_map__reuse_fd(made->maps.hops, tables->fd[TABLE_HOPS]);
	if (!error)
		error = bpf_map__reuse_fd(made->maps.data_egress, tables->fd[TABLE_EGRESSES]);
	if (!error)
		error = bpf_map__reuse_fd(made->maps.verdicts, tables->fd[TABLE_VERDICTS]);
	if (error)
		return error;
	bpf_object__for_each_map(map, made->obj)
	{
		if (map != made->maps.flows && map != made->maps.words && map != made->maps.hops && map != made->maps.verdicts &&
		    map != made->maps.scratches && map != made->maps.records && !bpf_map__is_internal(map))
			bpf_map__set_autocreate(map, false);
	}
	return 0;
}

static int configure(const struct tracer_plan *plan, struct capture_bpf *made)
{
	int cpus = libbpf_num_possible_cpus(), error;

	if (cpus < 0)
		return cpus;
	memcpy((void *)&made->rodata->filter, &plan->filter, sizeof(plan->filter));
	made->rodata->snap = plan->snap;
	bpf_map__set_max_entries(made->maps.scratches, (uint32_t)cpus);
	bpf_map__set_max_entries(made->maps.records, plan->buffer);
	error = copy_settings(plan->server, made);
	return error ? error : share_tables(plan->tables, made);
}

/* ---- each program ---- */

static int set_target(struct bpf_object *object, int program)
{
	struct bpf_program *one;
	int error = 0;

	bpf_object__for_each_program(one, object)
	{
		if (!error)
			error = bpf_program__set_attach_target(one, program, "turn");
	}
	return error;
}

/* The second program comes first: without it, what the first one keeps is of no use. */
static int attach(struct tracer *tracer, struct bpf_object *object)
{
	static const char *const names[] = { "frame_out", "frame_in" };

	for (int i = 0; i < 2; i++) {
		struct bpf_link *link = bpf_program__attach(bpf_object__find_program_by_name(object, names[i]));

		if (!link)
			return -errno;
		tracer->link[2 * tracer->count + (unsigned int)i] = link;
	}
	return 0;
}

static int load_first(struct tracer *tracer, const struct tracer_plan *plan, int program)
{
	int error;

	tracer->first = capture_bpf__open();
	if (!tracer->first)
		return -errno;
	error = configure(plan, tracer->first);
	if (!error)
		error = set_target(tracer->first->obj, program);
	return error ? error : capture_bpf__load(tracer->first);
}

/* A tracing program has one target, so that each further target takes another load. */
static int load_further(struct tracer *tracer, int program, struct bpf_object **object)
{
	struct bpf_map *map = NULL, *had = NULL;
	size_t size;
	const void *elf = capture_bpf__elf_bytes(&size);
	struct bpf_object *made = bpf_object__open_mem(elf, size, NULL);
	int error = 0;

	if (!made)
		return -errno;
	/* The tables of two objects of one file come in the same order. */
	while (!error && (map = bpf_object__next_map(made, map)) &&
	       (had = bpf_object__next_map(tracer->first->obj, had))) {
		if (bpf_map__fd(had) >= 0)
			error = bpf_map__reuse_fd(map, bpf_map__fd(had));
		else
			error = bpf_map__set_autocreate(map, false);
	}
	if (!error)
		error = set_target(made, program);
	if (!error)
		error = bpf_object__load(made);
	if (error)
		bpf_object__close(made);
	else
		*object = made;
	return error;
}

static int trace(struct tracer *tracer, const struct tracer_plan *plan, uint32_t id)
{
	struct bpf_object *object = NULL;
	int program = bpf_prog_get_fd_by_id(id), error;

	if (program < 0)
		return -errno;
	if (!tracer->first) {
		error = load_first(tracer, plan, program);
		if (!error)
			object = tracer->first->obj;
	} else {
		error = load_further(tracer, program, &object);
		if (!error)
			tracer->object[tracer->count] = object;
	}
	if (!error)
		error = attach(tracer, object);
	close(program);
	tracer->count++;
	return error;
}

int tracer_open(const struct tracer_plan *plan, struct tracer **tracer)
{
	struct tracer *made = calloc(1, sizeof(*made));
	uint32_t programs[PROGRAMS_MAX];
	unsigned int count = server_programs(plan->server, programs, PROGRAMS_MAX);
	int error = count ? 0 : -ENOENT;

	if (!made)
		return -ENOMEM;
	library_log_start(false);
	for (unsigned int i = 0; i < count && !error; i++)
		error = trace(made, plan, programs[i]);
	if (!error) {
		made->ring = ring_buffer__new(bpf_map__fd(made->first->maps.records), plan->take, plan->data, NULL);
		error = made->ring ? 0 : -errno;
	}
	if (error)
		tracer_close(made);
	else
		*tracer = made;
	return error;
}

int tracer_fd(const struct tracer *tracer)
{
	return ring_buffer__epoll_fd(tracer->ring);
}

int tracer_read(struct tracer *tracer)
{
	int taken = ring_buffer__consume(tracer->ring);

	return taken < 0 ? taken : 0;
}

void tracer_detach(struct tracer *tracer)
{
	for (unsigned int i = 0; i < 2 * PROGRAMS_MAX; i++) {
		bpf_link__destroy(tracer->link[i]);
		tracer->link[i] = NULL;
	}
}

uint64_t tracer_lost(const struct tracer *tracer)
{
	return __atomic_load_n(&tracer->first->bss->lost, __ATOMIC_RELAXED);
}

void tracer_close(struct tracer *tracer)
{
	if (!tracer)
		return;
	tracer_detach(tracer);
	ring_buffer__free(tracer->ring);
	for (unsigned int i = 0; i < PROGRAMS_MAX; i++)
		bpf_object__close(tracer->object[i]);
	capture_bpf__destroy(tracer->first);
	free(tracer);
}
