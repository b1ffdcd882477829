/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The kernel's tables: what the server writes into its mapping of a table is what the kernel has at the same index. The
 * kernel's view is read by system calls. This takes root, or the capabilities that the server needs.
 */
#include "unit.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>

#include "base/clock.h"
#include "table/maps.h"
#include "table/status.h"
#include "turn.skel.h"

/* As many as fill more than a page of each table, so that a mapping that is too short is noticed. */
#define FLOWS 512
#define SLOTS (2 * FLOWS)
#define HOPS (ABI_EGRESSES + 2)
#define LIMITS 200

static const uint64_t seed[FLOW_SEEDS] = { 11, 22, 33, 44, 55, 66, 77, 88, 99, 1010, 1111 };

static struct turn_bpf *skeleton;
static const char *missing; /* why there are no tables to test with, or NULL */

/* Makes the tables, but does not load the program. */
static int make_tables(void)
{
	int error;

	skeleton = turn_bpf__open();
	if (!skeleton)
		return -errno;
	bpf_program__set_autoload(skeleton->progs.turn, false);
	bpf_map__set_max_entries(skeleton->maps.flows, SLOTS);
	bpf_map__set_max_entries(skeleton->maps.words, SLOTS);
	bpf_map__set_max_entries(skeleton->maps.notes, SLOTS);
	bpf_map__set_max_entries(skeleton->maps.hops, HOPS);
	bpf_map__set_max_entries(skeleton->maps.limits, LIMITS);
	error = turn_bpf__load(skeleton);
	if (error) {
		turn_bpf__destroy(skeleton);
		skeleton = NULL;
	}
	return error;
}

static struct maps tables(void)
{
	return (struct maps){
		.flows = skeleton->maps.flows,
		.words = skeleton->maps.words,
		.vlans = skeleton->maps.vlans,
		.devices = skeleton->maps.devices,
		.hops = skeleton->maps.hops,
		.notes = skeleton->maps.notes,
		.limits = skeleton->maps.limits,
		.deadlines = (uint64_t *)skeleton->bss->deadlines,
		.attachments = skeleton->bss->attachments,
		.hairpin = &skeleton->bss->hairpin,
		.own6 = skeleton->data_own6->own6,
		.egresses = skeleton->data_egress->egresses,
		.status = &skeleton->bss->status,
		.flow_seed = seed,
		.flow_slots = SLOTS,
		.flow_room = FLOWS,
		.hop_entries = HOPS,
	};
}

static int open_maps(void **state)
{
	struct maps set;

	(void)state;
	if (missing)
		return 0;
	assert_int_equal(make_tables(), 0);
	set = tables();
	return maps_open(&set);
}

static int close_maps(void **state)
{
	(void)state;
	maps_close();
	turn_bpf__destroy(skeleton);
	skeleton = NULL;
	return 0;
}

static void need_tables(void)
{
	if (missing) {
		print_message("# %s\n", missing);
		skip();
	}
}

/* Reads the kernel's value at an index of a table. */
static void kernel_read(const struct bpf_map *map, uint32_t index, void *value)
{
	assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(map), &index, value), 0);
}

/* ---- next hops ---- */

static struct hop hop_of(int fill)
{
	struct hop hop;

	memset(&hop, fill, sizeof(hop));
	return hop;
}

static void check_hop(uint32_t index, uint32_t seq, int fill)
{
	struct egress egresses[ABI_EGRESSES];
	struct hop wanted = hop_of(fill), hop;
	struct hop_entry entry;

	kernel_read(skeleton->maps.hops, index, &entry);
	kernel_read(skeleton->maps.data_egress, 0, egresses);
	assert_int_equal(entry.seq, seq);
	assert_true(entry.egress < ABI_EGRESSES);
	hop_read(&entry, &egresses[entry.egress], &hop);
	assert_memory_equal(&hop, &wanted, sizeof(wanted));
}

static void put_hop(uint32_t index, int fill)
{
	struct hop hop = hop_of(fill);

	assert_int_equal(maps_hop_put(index, &hop), 0);
}

/* The sequence is odd while there is a next hop, and goes up by two where one takes the place of another. */
static void test_hop_seq(void **state)
{
	static const uint32_t indices[] = { 0, 1, HOPS / 2, HOPS - 1 };

	(void)state;
	need_tables();
	for (size_t i = 0; i < COUNT(indices); i++) {
		struct hop_entry entry;

		print_message("# entry %u\n", indices[i]);
		assert_int_equal(maps_hop_put(indices[i], NULL), 0);
		kernel_read(skeleton->maps.hops, indices[i], &entry);
		assert_int_equal(entry.seq, 0);
		put_hop(indices[i], 1);
		check_hop(indices[i], 1, 1);
		put_hop(indices[i], 2);
		check_hop(indices[i], 3, 2);
		assert_int_equal(maps_hop_put(indices[i], NULL), 0);
		check_hop(indices[i], 4, 2);
		put_hop(indices[i], 3);
		check_hop(indices[i], 5, 3);
	}
	for (size_t i = 0; i < COUNT(indices); i++)
		check_hop(indices[i], 5, 3);
	/* Other entries are as they were. */
	for (uint32_t index = 2; index < HOPS; index += HOPS - 4) {
		struct hop_entry entry, zeros = { 0 };

		kernel_read(skeleton->maps.hops, index, &entry);
		assert_memory_equal(&entry, &zeros, sizeof(zeros));
	}
}

/* Puts a next hop by a device of its own. */
static int put_by_device(uint32_t index, uint32_t ifindex)
{
	struct hop hop = { .ifindex = ifindex };

	return maps_hop_put(index, &hop);
}

static uint32_t seq_of(uint32_t index)
{
	struct hop_entry entry;

	kernel_read(skeleton->maps.hops, index, &entry);
	return entry.seq;
}

/* A next hop for which there is no egress is not known, as long as that is so. */
static void test_hop_without_egress(void **state)
{
	const uint32_t last = ABI_EGRESSES;
	struct hop_facts facts;

	(void)state;
	need_tables();
	for (uint32_t i = 0; i < ABI_EGRESSES; i++)
		assert_int_equal(put_by_device(i, 1000 + i), 0);
	assert_int_equal(put_by_device(last, 1000), 0);
	assert_int_equal(seq_of(last), 1);
	assert_int_equal(put_by_device(last, 9), -ENOSPC);
	assert_int_equal(seq_of(last), 2);
	maps_hop_facts(last, &facts);
	assert_int_equal(facts.ifindex, 0);

	assert_int_equal(maps_hop_put(5, NULL), 0);
	assert_int_equal(put_by_device(last, 9), 0);
	assert_int_equal(seq_of(last), 3);
	for (uint32_t i = 0; i <= last; i++) {
		maps_hop_facts(i, &facts);
		assert_int_equal(facts.ifindex, i == last ? 9 : i == 5 ? 0 : 1000 + i);
	}
	assert_int_equal(put_by_device(5, 1005), -ENOSPC);

	/* An entry that is the only one with its egress can change it. */
	assert_int_equal(put_by_device(6, 10), 0);
	maps_hop_facts(6, &facts);
	assert_int_equal(facts.ifindex, 10);
}

/* ---- a reader of next hops, while they are written ---- */

#define READS 100000
#define READ_SECONDS 60

static struct {
	const volatile struct hop_entry *entry;
	bool ended;
	unsigned int reads; /* of whole hops, each another one than the one before */
	bool wrong;         /* a torn hop seemed whole, or an older one came after a newer one */
} reader;

/* Reads an entry and its egress as the XDP program does. Each hop has its number in both. */
static void *read_hops(void *unused)
{
	uint32_t last = 0;

	(void)unused;
	while (!__atomic_load_n(&reader.ended, __ATOMIC_RELAXED)) {
		const volatile struct hop_entry *entry = reader.entry;
		uint32_t seq = __atomic_load_n(&entry->seq, __ATOMIC_ACQUIRE), number, again;

		if (!(seq & 1))
			continue;
		number = __atomic_load_n(&skeleton->data_egress->egresses[entry->egress].ifindex, __ATOMIC_RELAXED);
		memcpy(&again, (const void *)entry->mac, sizeof(again));
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (__atomic_load_n(&entry->seq, __ATOMIC_RELAXED) != seq)
			continue;
		if (number != again || number < last)
			__atomic_store_n(&reader.wrong, true, __ATOMIC_RELAXED);
		if (number != last)
			__atomic_fetch_add(&reader.reads, 1, __ATOMIC_RELAXED);
		last = number;
	}
	return NULL;
}

/* Now and then the entry leads nowhere, and the writer does not wait for anybody. */
static void test_hop_reader(void **state)
{
	time_t end = time(NULL) + READ_SECONDS;
	pthread_t thread;
	void *memory;

	(void)state;
	need_tables();
	/* Another mapping of the same table, as the library's is its own. */
	memory = mmap(NULL, HOPS * sizeof(struct hop_entry), PROT_READ, MAP_SHARED, bpf_map__fd(skeleton->maps.hops), 0);
	assert_true(memory != MAP_FAILED);
	memset(&reader, 0, sizeof(reader));
	reader.entry = (struct hop_entry *)memory + 7;
	assert_int_equal(pthread_create(&thread, NULL, read_hops, NULL), 0);
	for (uint32_t next = 1; __atomic_load_n(&reader.reads, __ATOMIC_RELAXED) < READS; next++) {
		struct hop hop = { .ifindex = next };

		memcpy(hop.eth, &next, sizeof(next));
		assert_int_equal(maps_hop_put(7, next % 16 ? &hop : NULL), 0);
		if (next % 65536 == 0 && (reader.wrong || time(NULL) >= end))
			break;
		for (volatile uint32_t pause = next % 64; pause; pause--)
			;
	}
	__atomic_store_n(&reader.ended, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	munmap(memory, HOPS * sizeof(struct hop_entry));
	print_message("# %u hops were read\n", reader.reads);
	assert_false(reader.wrong);
	/* A busy machine may not get through all reads in time. */
	assert_true(reader.reads > 100);
}

/* ---- flows, and when they began ---- */

static int key_of(uint32_t n, union flow_any_key *key)
{
	memset(key, 0, sizeof(*key));
	key->v4 = (struct flow_key){ .saddr = n, .daddr = 1, .sport = 2, .dport = 3, .family = FLOW_KEY_V4 };
	return AF_INET;
}

static int put(uint32_t n, uint32_t *index)
{
	struct flow flow = { .hop = n };
	union flow_any_key key;
	int family = key_of(n, &key);

	return maps_flow_put(family, &key, &flow, index);
}

static void test_flow(void **state)
{
	struct flow other = { .hop = 99 };
	uint32_t index = 0, again;
	struct flow_count count = { 0 };
	struct flow_note note;
	struct flow_slot slot;
	union flow_any_key key, here;
	struct flow flow;

	(void)state;
	need_tables();
	assert_int_equal(put(5, &index), 0);
	again = index;
	assert_int_equal(put(5, &again), -EEXIST);
	assert_int_equal(again, index);
	kernel_read(skeleton->maps.flows, index, &slot);
	assert_true(slot.seq & 1);
	key_of(5, &key);
	assert_int_equal(flow_table_key(&slot, NULL, NULL, &here), AF_INET);
	assert_memory_equal(&here, &key, sizeof(key));
	flow_table_flow(&slot, NULL, NULL, &flow);
	assert_int_equal(flow.hop, 5);

	/* The XDP program counts. */
	slot.usage = 7 * USAGE_PACKET + 8;
	assert_int_equal(bpf_map_update_elem(bpf_map__fd(skeleton->maps.flows), &index, &slot, BPF_ANY), 0);
	kernel_read(skeleton->maps.notes, index, &note);
	note.trimmed = 9;
	assert_int_equal(bpf_map_update_elem(bpf_map__fd(skeleton->maps.notes), &index, &note, BPF_ANY), 0);
	assert_int_equal(maps_flow_replace(index, &other), 0);
	maps_flow_read(index, &count);
	assert_int_equal(count.total.packets, 7);
	assert_int_equal(count.total.data, 8);
	assert_int_equal(maps_flow_trimmed(index), 9);
	kernel_read(skeleton->maps.flows, index, &slot);
	assert_true(slot.seq & 1);
	flow_table_flow(&slot, NULL, NULL, &flow);
	assert_int_equal(flow.hop, 99);

	/* The note says how far the server has counted: two halves of the bytes' range, and one of the packets'. */
	for (int i = 0; i < 2; i++) {
		slot.usage += (UINT64_C(1) << 35) + (UINT64_C(1) << 26) * USAGE_PACKET;
		assert_int_equal(bpf_map_update_elem(bpf_map__fd(skeleton->maps.flows), &index, &slot, BPF_ANY), 0);
		maps_flow_read(index, &count);
	}
	kernel_read(skeleton->maps.notes, index, &note);
	assert_int_equal(note.halves, 1 << 16 | 2);
	assert_int_equal(count.total.data, 8 + (UINT64_C(1) << 36));

	maps_flow_end(index);
	kernel_read(skeleton->maps.flows, index, &slot);
	assert_false(slot.seq & 1);
	maps_flow_read(index, &count);
	assert_int_equal(count.total.packets, 7 + (UINT64_C(1) << 27));
	maps_flow_free(index);
	/* The slot is the same key's at once. */
	assert_int_equal(put(5, &again), 0);
	assert_int_equal(again, index);
}

/* Each slot's time is at the same index in the kernel, and the others are 0. */
static void check_begun(uint64_t before, const bool *used)
{
	uint64_t after = clock_boot_ns() / FLOW_BEGUN_NS;

	for (uint32_t index = 0; index < SLOTS; index++) {
		struct flow_note note, rest = { 0 };

		kernel_read(skeleton->maps.notes, index, &note);
		if (used[index])
			assert_in_range(note.begun, before, after);
		else
			assert_int_equal(note.begun, 0);
		rest.begun = note.begun;
		assert_memory_equal(&note, &rest, sizeof(note));
	}
}

static void fill_flows(void)
{
	uint64_t before = clock_boot_ns() / FLOW_BEGUN_NS;
	bool used[SLOTS] = { false };
	uint32_t index, highest = 0;

	for (uint32_t n = 0; n < FLOWS; n++) {
		assert_int_equal(put(n, &index), 0);
		assert_true(index < SLOTS);
		assert_false(used[index]);
		used[index] = true;
		highest = index > highest ? index : highest;
	}
	assert_int_equal(put(FLOWS, &index), -ENOSPC);
	assert_true(highest > SLOTS - 20);
	check_begun(before, used);
}

static void test_flows_begun(void **state)
{
	(void)state;
	need_tables();
	fill_flows();
}

/* ---- the other tables ---- */

static void test_limits(void **state)
{
	(void)state;
	need_tables();
	for (uint32_t index = 0; index < LIMITS; index++) {
		maps_limit(index)->bps = index + 1;
		maps_limit(index)->left[LIMIT_CLIENT_READ] = -(int64_t)index;
	}
	for (uint32_t index = 0; index < LIMITS; index++) {
		struct limit limit;

		kernel_read(skeleton->maps.limits, index, &limit);
		assert_int_equal(limit.bps, index + 1);
		assert_int_equal(limit.left[LIMIT_CLIENT_READ], -(int64_t)index);
	}
}

static void test_deadlines(void **state)
{
	static const uint16_t owners[] = { 0, 1, ABI_OWNERS - 1 };
	const struct turn_bpf__bss *bss;

	(void)state;
	need_tables();
	for (size_t i = 0; i < COUNT(owners); i++)
		maps_deadline_put(owners[i], 1000 + owners[i]);
	/* The table has static variables behind the struct. */
	bss = test_calloc(1, bpf_map__value_size(skeleton->maps.bss));
	kernel_read(skeleton->maps.bss, 0, (void *)bss);
	for (uint16_t owner = 0; owner < ABI_OWNERS; owner++) {
		bool set = owner < 2 || owner == ABI_OWNERS - 1;

		assert_int_equal(bss->deadlines[owner], set ? 1000 + owner : 0);
	}
	test_free((void *)bss);
}

static void test_vlans(void **state)
{
	struct vlan_key key = { .ifindex = 3, .id = { 100, 200 } };
	struct vlan vlan = { .mac = { 2, 0, 0, 0, 0, 1 } }, found;
	int fd;

	(void)state;
	need_tables();
	fd = bpf_map__fd(skeleton->maps.vlans);
	assert_int_equal(maps_vlan_put(&key, NULL), -ENOENT);
	for (uint8_t mac = 1; mac <= 2; mac++) {
		vlan.mac[5] = mac;
		assert_int_equal(maps_vlan_put(&key, &vlan), 0);
		assert_int_equal(bpf_map_lookup_elem(fd, &key, &found), 0);
		assert_memory_equal(&found, &vlan, sizeof(vlan));
	}
	assert_int_equal(maps_vlan_put(&key, NULL), 0);
	assert_int_equal(bpf_map_lookup_elem(fd, &key, &found), -ENOENT);
	for (uint32_t i = 0; i < ABI_VLANS; i++) {
		key.ifindex = i + 1;
		assert_int_equal(maps_vlan_put(&key, &vlan), 0);
	}
	key.ifindex = ABI_VLANS + 1;
	assert_int_equal(maps_vlan_put(&key, &vlan), -E2BIG);
}

static void test_devices(void **state)
{
	uint32_t device = if_nametoindex("lo"), found = 0;

	(void)state;
	need_tables();
	assert_true(device > 0);
	for (int times = 0; times < 2; times++) {
		assert_int_equal(maps_device_put(device), 0);
		assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(skeleton->maps.devices), &device, &found), 0);
		assert_int_equal(found, device);
	}
	/* There is no such device. */
	assert_int_equal(maps_device_put(0x7fffffff), -EINVAL);
}

/* ---- open and close ---- */

/* Returns how many BPF maps are mapped into this process; the skeleton maps some as well. */
static unsigned int mappings(void)
{
	FILE *file = fopen("/proc/self/maps", "re");
	unsigned int count = 0;
	char line[512];

	assert_non_null(file);
	while (fgets(line, sizeof(line), file))
		count += strstr(line, "bpf-map") != NULL;
	fclose(file);
	return count;
}

/* A table that cannot be mapped is an error, after which nothing is taken over. */
static void test_open_fails(void **state)
{
	struct maps set, good;
	unsigned int before;

	(void)state;
	need_tables();
	maps_close();
	before = mappings();
	good = tables();
	for (int table = 0; table < 4; table++) {
		const struct bpf_map **const map[] = { &set.flows, &set.hops, &set.notes, &set.limits };

		set = good;
		*map[table] = skeleton->maps.vlans;
		print_message("# table %d\n", table);
		assert_true(maps_open(&set) < 0);
		assert_int_equal(mappings(), before);
		/* The memory of the status is not in use either. */
		status_count_overrun();
		assert_int_equal(skeleton->bss->status.overruns, 0);
	}
	assert_int_equal(maps_open(&good), 0);
	fill_flows();
}

/* Closing a second time does nothing; the kernel's tables keep their content. */
static void test_close(void **state)
{
	size_t size = SLOTS * sizeof(struct flow_slot);
	struct flow_slot slot;
	unsigned int before;
	unsigned char *there;
	uint32_t index;

	(void)state;
	need_tables();
	before = mappings();
	assert_int_equal(put(5, &index), 0);
	maps_close();
	assert_int_equal(mappings(), before - 5);
	/* The kernel gives the same place again, which must not be unmapped. */
	there = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(there != MAP_FAILED);
	maps_close();
	assert_int_equal(msync(there, size, MS_ASYNC), 0);
	munmap(there, size);
	kernel_read(skeleton->maps.flows, index, &slot);
	assert_true(slot.seq & 1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_hop_seq, open_maps, close_maps),
		cmocka_unit_test_setup_teardown(test_hop_without_egress, open_maps, close_maps),
		cmocka_unit_test_setup_teardown(test_hop_reader, open_maps, close_maps),
		cmocka_unit_test_setup_teardown(test_flow, open_maps, close_maps),
		cmocka_unit_test_setup_teardown(test_flows_begun, open_maps, close_maps),
		cmocka_unit_test_setup_teardown(test_limits, open_maps, close_maps),
		cmocka_unit_test_setup_teardown(test_deadlines, open_maps, close_maps),
		cmocka_unit_test_setup_teardown(test_vlans, open_maps, close_maps),
		cmocka_unit_test_setup_teardown(test_devices, open_maps, close_maps),
		cmocka_unit_test_setup_teardown(test_open_fails, open_maps, close_maps),
		cmocka_unit_test_setup_teardown(test_close, open_maps, close_maps),
	};
	int error = make_tables();

	if (error == -EPERM)
		missing = "this user may not make BPF tables: the test takes root";
	turn_bpf__destroy(skeleton);
	skeleton = NULL;
	return cmocka_run_group_tests_name("maps", tests, NULL, NULL);
}
