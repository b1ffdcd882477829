/* SPDX-License-Identifier: BSD-3-Clause */
#include "loader.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/capability.h"
#include "base/library_log.h"
#include "base/log.h"
#include "iface/attachment.h"
#include "iface/driver_check.h"
#include "iface/drops.h"
#include "iface/leaving.h"
#include "iface/manager.h"
#include "turn.skel.h"

/* x86 and s390 load from memory in the program's order; of others it is not known. */
#if defined(__x86_64__) || defined(__i386__) || defined(__s390x__)
#define WEAK_ORDER 0
#else
#define WEAK_ORDER 1
#endif

static struct turn_bpf *skeleton;

/* The program for frames of several buffers, with the tables of the other one. NULL: no device wants it, or the kernel has none. */
static struct bpf_object *frags_object;

/* Devices that packets leave by, as far as they were asked for. */
static struct {
	uint32_t ifindex[ABI_DEVICES];
	unsigned int count;
} leaving;

static void explain_denial(void)
{
	char names[64];

	if (capability_missing(names, sizeof(names)))
		log_line(LOG_LEVEL_ERROR,
			 "the kernel does not let this process load an XDP program, which takes %s: start it as root, or "
			 "in a unit of systemd with AmbientCapabilities=CAP_BPF CAP_NET_ADMIN CAP_PERFMON",
			 names);
	else
		log_line(LOG_LEVEL_ERROR,
			 "the kernel denies the XDP program to a process with all capabilities for it: before Linux "
			 "5.11 the limit of locked memory is too low (LimitMEMLOCK=infinity, ulimit -l unlimited); else a "
			 "container, a user namespace or the kernel's lockdown forbids it");
}

static int explain_load(int error)
{
	struct utsname kernel;
	char names[64];

	uname(&kernel);
	/* The verifier's refusal is EACCES as well. */
	if (error == -EPERM || capability_missing(names, sizeof(names)))
		explain_denial();
	else if (error == -ENOMEM)
		log_line(LOG_LEVEL_ERROR, "no memory for the tables: lower xdp-max-channels");
	else
		log_line(LOG_LEVEL_ERROR,
			 "kernel %s does not load the XDP program (%s; Linux 5.10 with XDP and BPF links is "
			 "needed): %s",
			 kernel.release, strerror(-error), library_log_warning());
	library_log_verifier();
	return error;
}

/* Linux 5.18. The helpers that read and write frames of several buffers came with it. */
static bool kernel_has_frags(void)
{
	return libbpf_probe_bpf_helper(BPF_PROG_TYPE_XDP, BPF_FUNC_xdp_get_buff_len, NULL) == 1;
}

/* What the kernel has is told to the verifier as constants: other branches need not load. */
static void configure(struct turn_bpf *made, unsigned int flows, unsigned int cpus)
{
	unsigned int slots = flow_table_slots(flows);

	made->rodata->flow_slots = slots;
	made->rodata->flow_slot_stride = flow_stride(slots);
	made->rodata->weak_order = WEAK_ORDER;
	made->rodata->can_move = kernel_has_frags();
	made->rodata->coarse_clock =
		libbpf_probe_bpf_helper(BPF_PROG_TYPE_XDP, BPF_FUNC_ktime_get_coarse_ns, NULL) == 1;
	bpf_map__set_max_entries(made->maps.flows, slots);
	bpf_map__set_max_entries(made->maps.words, slots);
	bpf_map__set_max_entries(made->maps.hops, flows);
	bpf_map__set_max_entries(made->maps.notes, slots);
	/* No more sessions than channels, which have two flows each. */
	bpf_map__set_max_entries(made->maps.limits, flows / 2);
	bpf_map__set_max_entries(made->maps.sessions, flows / 2);
	bpf_map__set_max_entries(made->maps.verdicts, cpus);
}

/*
 * `verifier_log` is what the verifier is to log: 0: the instructions before the one that it
 * refuses. 0 or -errno, then with nothing left.
 */
static int open_and_load(unsigned int flows, unsigned int cpus, unsigned int verifier_log, struct turn_bpf **loaded)
{
	struct turn_bpf *made = turn_bpf__open();
	int error;

	if (!made)
		return -errno;
	configure(made, flows, cpus);
	bpf_program__set_log_level(made->progs.turn, verifier_log);
	error = getentropy((void *)made->rodata->flow_seed, sizeof(made->rodata->flow_seed)) ? -errno :
											       turn_bpf__load(made);
	if (error)
		turn_bpf__destroy(made);
	else
		*loaded = made;
	return error;
}

int loader_try(void)
{
	struct turn_bpf *made;
	int cpus = libbpf_num_possible_cpus(), error;

	if (cpus < 0)
		return cpus;
	library_log_start(false);
	error = open_and_load(2, (unsigned int)cpus, 0, &made);
	if (!error)
		turn_bpf__destroy(made);
	return error;
}

/* What an entry takes from the start. Where entries are allocated later, that is the head of a list. */
static uint64_t size_of_entry(const struct bpf_map *map)
{
	return bpf_map__map_flags(map) & BPF_F_NO_PREALLOC ? 2 * sizeof(void *) : bpf_map__value_size(map);
}

int loader_memory(unsigned int channels, uint64_t *bytes)
{
	struct turn_bpf *made = turn_bpf__open();
	const struct bpf_map *map;
	uint64_t sum = 0;
	int cpus = libbpf_num_possible_cpus();

	if (!made || cpus < 0) {
		turn_bpf__destroy(made);
		return made ? cpus : -ENOMEM;
	}
	configure(made, 2 * channels, (unsigned int)cpus);
	bpf_object__for_each_map(map, made->obj)
		sum += bpf_map__max_entries(map) * size_of_entry(map);
	turn_bpf__destroy(made);
	*bytes = sum;
	return 0;
}

/* BPF_LOG_STATS of the kernel's bpf_verifier.h: how many instructions the verifier has walked. */
#define VERIFIER_STATS 4

static int load(const struct settings *settings, struct maps *maps)
{
	int cpus = libbpf_num_possible_cpus();
	unsigned int flows = 2 * settings->channels;
	struct turn_bpf *made;
	int error = -EINVAL;

	if (cpus < 0) {
		log_line(LOG_LEVEL_ERROR, "cannot count this machine's CPUs: %s; /sys must be mounted", strerror(-cpus));
		return cpus;
	}
	library_log_start(settings->debug);
	if (settings->debug)
		error = open_and_load(flows, (unsigned int)cpus, VERIFIER_STATS, &made);
	/* With the statistics alone, the verifier does not say how it came to refuse. */
	if (error)
		error = open_and_load(flows, (unsigned int)cpus, 0, &made);
	if (error)
		return explain_load(error);
	skeleton = made;
	/* The program does not use them, so that inspectors would not find them by it. */
	if (bpf_prog_bind_map(bpf_program__fd(made->progs.turn), bpf_map__fd(made->maps.sessions), NULL))
		log_line(LOG_LEVEL_WARNING, "turnutils_xdp will not find the users of channels: %s", strerror(errno));
	*maps = (struct maps){
		.flows = made->maps.flows,
		.words = made->maps.words,
		.devices = made->maps.devices,
		.vlans = made->maps.vlans,
		.hops = made->maps.hops,
		.notes = made->maps.notes,
		.limits = made->maps.limits,
		.sessions = made->maps.sessions,
		.deadlines = (uint64_t *)made->bss->deadlines,
		.attachments = made->bss->attachments,
		.hairpin = &made->bss->hairpin,
		.own6 = made->data_own6->own6,
		.egresses = made->data_egress->egresses,
		.status = &made->bss->status,
		.flow_seed = (const uint64_t *)made->rodata->flow_seed,
		.flow_slots = flow_table_slots(flows),
		.flow_room = flows,
		.hop_entries = flows,
	};
	return 0;
}

/*
 * Opens the program once more, not loaded, with the tables of the first one. With `constants` it has constants of its
 * own, and their table is written there.
 */
static struct bpf_object *open_again(struct bpf_map **constants)
{
	size_t size;
	const void *elf = turn_bpf__elf_bytes(&size);
	struct bpf_object *made = bpf_object__open_mem(elf, size, NULL);
	struct bpf_map *map = NULL, *had = NULL;

	if (!made)
		return NULL;
	/* The tables of two objects of one file come in the same order. */
	while ((map = bpf_object__next_map(made, map)) &&
	       (had = bpf_object__next_map(skeleton->obj, had))) {
		if (had == skeleton->maps.rodata && constants)
			*constants = map;
		else if (bpf_map__reuse_fd(map, bpf_map__fd(had))) {
			bpf_object__close(made);
			return NULL;
		}
	}
	return made;
}

static struct bpf_object *copy(void)
{
	return open_again(NULL);
}

/* The constants of the first program, but for the one that makes the difference. The table may be shorter than the struct. */
static int set_constants(struct bpf_map *map)
{
	__typeof__(*skeleton->rodata) constants = *skeleton->rodata;

	constants.frags = 1;
	return bpf_map__set_initial_value(map, &constants, bpf_map__value_size(map));
}

/* Whether a device of this host wants the program for frames of several buffers: the verifier takes its time for it. */
static bool host_wants_frags(void)
{
	bool wants = false;
	struct links links;

	if (!kernel_has_frags() || links_read(&links))
		return false;
	for (unsigned int i = 0; i < links.count && !wants; i++)
		wants = driver_check_wants_frags(&links.link[i]);
	links_free(&links);
	return wants;
}

/*
 * Frames larger than a page arrive in several buffers. For these a driver wants a program that can read several; what
 * has no such frames gets the shorter program. Both are loaded at the start, as an MTU may be raised when the server
 * has given up the privileges that loading takes. Without the second one, such devices are in generic mode.
 */
static void load_frags(void)
{
	struct bpf_program *program;
	struct bpf_map *constants;
	int error = -ENOMEM;

	if (!host_wants_frags())
		return;
	library_log_forget();
	frags_object = open_again(&constants);
	if (frags_object) {
		program = bpf_object__next_program(frags_object, NULL);
		bpf_program__set_flags(program, bpf_program__flags(program) | BPF_F_XDP_HAS_FRAGS);
		error = set_constants(constants);
	}
	if (!error)
		error = bpf_object__load(frags_object);
	if (!error)
		return;
	log_line(LOG_LEVEL_WARNING,
		 "the XDP program for frames of several buffers is not loaded (%s): interfaces with a large MTU are in generic "
		 "mode: %s",
		 strerror(-error), library_log_warning());
	library_log_verifier_debug();
	bpf_object__close(frags_object);
	frags_object = NULL;
}

static enum manager_outcome attach(const struct settings *settings)
{
	const struct bpf_program *frags = frags_object ? bpf_object__next_program(frags_object, NULL) : NULL;
	const struct manager_plan plan = {
		.programs = { bpf_program__fd(skeleton->progs.turn), frags ? bpf_program__fd(frags) : -1 },
		.slots = skeleton->bss->attachments,
		.stray = &skeleton->bss->stray,
		.copy = copy,
		.mode = settings->mode,
	};
	enum manager_outcome outcome = manager_start(&plan);

	if (outcome == MANAGER_STARTED && settings->required && !manager_complete())
		outcome = MANAGER_FAILED;
	return outcome;
}

int loader_start(const struct settings *settings, struct maps *maps)
{
	int error = load(settings, maps);

	if (error)
		return error;
	load_frags();
	if (attach(settings) != MANAGER_STARTED) {
		loader_stop();
		return -ENODEV;
	}
	error = drops_start();
	if (error && settings->debug)
		log_line(LOG_LEVEL_INFO, "frames that drivers drop after the XDP program are not counted: %s", strerror(-error));
	return 0;
}

void loader_stop(void)
{
	if (!skeleton)
		return;
	drops_stop();
	manager_stop();
	bpf_object__close(frags_object);
	frags_object = NULL;
	turn_bpf__destroy(skeleton);
	skeleton = NULL;
	leaving.count = 0;
}

static bool is_among(uint32_t ifindex, const uint32_t *ifindexes, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		if (ifindexes[i] == ifindex)
			return true;
	}
	return false;
}

/* Devices that are gone make room for new ones. */
static void forget_gone_devices(void)
{
	char name[IF_NAMESIZE];
	unsigned int kept = 0;

	for (unsigned int i = 0; i < leaving.count; i++) {
		if (if_indextoname(leaving.ifindex[i], name))
			leaving.ifindex[kept++] = leaving.ifindex[i];
	}
	leaving.count = kept;
}

unsigned int loader_devices(uint32_t *ifindexes, unsigned int room)
{
	unsigned int count = manager_devices(ifindexes, room);

	for (unsigned int i = 0; i < leaving.count && count < room; i++) {
		if (!is_among(leaving.ifindex[i], ifindexes, count))
			ifindexes[count++] = leaving.ifindex[i];
	}
	return count;
}

uint8_t loader_device_flags(uint32_t ifindex)
{
	if (leaving.count < ABI_DEVICES && !is_among(ifindex, leaving.ifindex, leaving.count))
		leaving.ifindex[leaving.count++] = ifindex;
	return leaving_flags(ifindex);
}

void loader_look_at_links(bool heard)
{
	if (heard) {
		forget_gone_devices();
		manager_refresh();
	} else {
		manager_look();
	}
}
