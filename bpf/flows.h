/* SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only) */
/* Reads the table of flows, which the server writes at the same time: see struct flow_slot. */
#ifndef BPF_FLOWS_H
#define BPF_FLOWS_H

#include "maps.h"
#include "packet.h"

/* For what is compared or copied 8 bytes at a time, whatever its type. */
typedef __u64 __attribute__((may_alias)) any64;

/* The index of no slot. */
#define FLOW_NONE 0xffffffffu

/* A slot whose flow had the key of the packet, its index, and its sequence when that was seen. */
struct flow_found {
	struct flow_slot *slot;
	const struct flow_words *words; /* of a key of IPv6 */
	__u32 index;
	__u32 seq;
};

/* Makes `var` 0 in a way that the CPU knows only when the load that `var` comes from is done. */
#ifdef __bpf__
/* clang-format off */
#define dependent_zero(var) asm volatile("%0 &= 0" : "+r"(var))
/* clang-format on */
#else
#define dependent_zero(var) ((var) &= 0)
#endif

/*
 * Returns `from`. What is loaded through the result is loaded after `loaded` was, since every
 * CPU keeps the order of two loads if the address of the second depends on the first.
 * BPF has no barrier for loads before Linux 6.15.
 */
static __always_inline const void *load_after(const void *from, __u64 loaded)
{
	barrier();
	if (weak_order) {
		dependent_zero(loaded);
		return from + loaded;
	}
	return from;
}

static __always_inline struct flow_slot *slot_at(__u32 index)
{
	return bpf_map_lookup_elem(&flows, &index);
}

static __always_inline __u32 slot_seq(const struct flow_slot *slot)
{
	return *(const volatile __u32 *)&slot->seq;
}

/* Whether the slot has this key, given as the two halves of struct flow_key. */
static __always_inline int slot_is(const struct flow_slot *slot, __u64 addresses, __u64 ports)
{
	return *(const any64 *)&slot->key_sport == ports && *(const any64 *)&slot->key_saddr == addresses;
}

static __always_inline const struct flow_words *words_at(__u32 index)
{
	return bpf_map_lookup_elem(&words, &index);
}

/* An address of this server, which a slot has as an index. */
static __always_inline const union abi_addr *own_address(__u32 index)
{
	return &own6[index & (ABI_OWN6 - 1)];
}

/* Without branches in between, so that no load waits for another one from memory. */
static __always_inline int slot_is6(const struct flow_slot *slot, const struct flow_words *more,
				    const struct flow_key6 *key)
{
	const any64 *own, *daddr = (const any64 *)key->daddr;
	__u64 differs;

	differs = *(const any64 *)&slot->key_sport ^ *(const any64 *)&key->sport;
	differs |= slot->key_saddr ^ key->saddr[0];
	differs |= more->key_saddr ^ key->saddr[1];
	differs |= more->key_saddr_end ^ *(const any64 *)&key->saddr[2];
	own = (const any64 *)own_address(slot->key_daddr);
	differs |= (own[0] ^ daddr[0]) | (own[1] ^ daddr[1]);
	return !differs;
}

/* Whether the slot has this key. The words are needed for IPv6. */
static __always_inline int slot_has(const struct flow_slot *slot, const struct flow_words *more, const any64 *key,
				    const int v6)
{
	if (!v6)
		return slot_is(slot, key[0], key[1]);
	return more && slot_is6(slot, more, (const struct flow_key6 *)key);
}

/* Looks for a key from the second slot on where it may stand. The slot's index, or FLOW_NONE. */
static __always_inline __u32 flow_go_on(__u64 hash, const any64 *key, const int v6)
{
	for (int probe = 1; probe < FLOW_PROBES; probe++) {
		const struct flow_slot *slot;
		__u32 index;

		hash = flow_step(hash, probe, flow_slot_stride);
		index = flow_slot_index(hash, flow_slots);
		slot = slot_at(index);
		if (!slot)
			break;
		if (slot_seq(slot) & 1 && slot_has(slot, v6 ? words_at(index) : NULL, key, v6))
			return index;
		if (!slot->passed)
			break;
	}
	return FLOW_NONE;
}

/*
 * The same for a key whose words are given one by one. The function is not static, so that the
 * verifier walks the loop once, and not for each path that leads here; such a function
 * takes no pointer to a key.
 */
__noinline __u32 flow_search(__u64 addresses, __u64 ports)
{
	const any64 word[2] = { addresses, ports };

	return flow_go_on(flow_hash(flow_seed, (const struct flow_key *)word), word, 0);
}

__noinline __u32 flow_search6(__u64 source, __u64 source_end, __u64 destination, __u64 destination_end, __u64 ports)
{
	const any64 word[5] = { source, source_end, destination, destination_end, ports };

	return flow_go_on(flow_hash6(flow_seed, (const struct flow_key6 *)word), word, 1);
}

/* Whether there is a flow in the slot, and it has the packet's key. */
static __always_inline int slot_matches(const struct packet *packet, struct flow_found *found, const int v6)
{
	const struct flow_slot *slot;

	found->seq = slot_seq(found->slot);
	if (!(found->seq & 1))
		return 0;
	slot = load_after(found->slot, found->seq);
	return slot_has(slot, found->words, (const any64 *)&packet->key, v6);
}

/* Whether there is a flow with the packet's key. Nearly always the first slot tells. */
static __always_inline int flow_at(const struct packet *packet, const int v6, struct flow_found *found)
{
	const any64 *key = (const any64 *)&packet->key;
	__u64 hash = v6 ? flow_hash6(flow_seed, &packet->key.v6) : flow_hash(flow_seed, &packet->key.v4);

	found->index = flow_slot_index(hash, flow_slots);
	found->slot = slot_at(found->index);
	found->words = v6 ? words_at(found->index) : NULL;
	if (!found->slot)
		return 0;
	if (slot_matches(packet, found, v6))
		return 1;
	if (!found->slot->passed)
		return 0;
	found->index = v6 ? flow_search6(key[0], key[1], key[2], key[3], key[4]) : flow_search(key[0], key[1]);
	found->slot = slot_at(found->index);
	found->words = v6 ? words_at(found->index) : NULL;
	return found->slot && slot_matches(packet, found, v6);
}

/*
 * Compares the key once more. What was loaded is put into *loaded. The server's own addresses do not change, so that
 * the index tells.
 */
static __always_inline int key_again(const struct flow_found *found, const struct flow_slot *slot, const any64 *key,
				     const int v6, __u64 *loaded)
{
	const struct flow_words *more = load_after(found->words, found->seq);
	__u64 ports = *(const any64 *)&slot->key_sport, differs = ports ^ (v6 ? key[4] : key[1]), first, last;
	const struct flow_key6 *key6 = (const struct flow_key6 *)key;
	__u32 saddr, own, second;

	if (!v6) {
		first = *(const any64 *)&slot->key_saddr;
		*loaded = ports | first;
		return !(differs | (first ^ key[0]));
	}
	if (!found->words)
		return 0;
	saddr = slot->key_saddr;
	own = slot->key_daddr;
	second = more->key_saddr;
	last = more->key_saddr_end;
	*loaded = ports | saddr | own | second | last;
	differs |= (saddr ^ key6->saddr[0]) | (second ^ key6->saddr[1]) | (last ^ *(const any64 *)&key6->saddr[2]);
	for (int i = 0; i < 4; i++)
		differs |= own_address(own)->word[i] ^ key6->daddr[i];
	return !differs;
}

/*
 * Copies the flow, so that it does not change any more while the packet is made. 0, or -1
 * if the flow has ended or changed meanwhile; then the packet goes up, as it would have a
 * moment later.
 */
static __always_inline int flow_copy(const struct flow_found *found, const struct packet *packet, const int v6,
				     struct flow *flow)
{
	const struct flow_slot *slot = load_after(found->slot, found->seq);
	const any64 *rest = (const any64 *)slot->rest;
	any64 *copy = (void *)flow + FLOW_REST;
	__u64 loaded = 0;

	/* These loads of the key are ordered before the second look at the sequence. */
	if (weak_order && !key_again(found, slot, (const any64 *)&packet->key, v6, &loaded))
		return -1;
	/* The gate stands behind `rest`, so that all steps are of 8 bytes. */
	for (int i = 0; i < 3; i++)
		loaded |= copy[i] = rest[i];
	loaded |= flow->saddr.word[0] = slot->saddr;
	loaded |= flow->daddr.word[0] = slot->daddr;
	if (flow->flags & FLOW_V6) {
		const struct flow_words *more = v6 ? found->words : words_at(found->index);
		const any64 *own;

		if (!more)
			return -1;
		more = load_after(more, found->seq);
		loaded |= flow->daddr.word[1] = more->daddr;
		loaded |= *(any64 *)&flow->daddr.word[2] = more->daddr_end;
		own = (const any64 *)own_address(flow->saddr.word[0]);
		((any64 *)&flow->saddr)[0] = own[0];
		((any64 *)&flow->saddr)[1] = own[1];
	}
	slot = load_after(found->slot, loaded);
	return slot_seq(slot) == found->seq ? 0 : -1;
}

#endif
