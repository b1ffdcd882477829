/* SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only) */
/*
 * Whether this host has been seen to relay packets of a flow. A firewall, address translation or a cgroup's
 * program may refuse or change what coturn would relay, and the program runs before all of them. So the
 * server lets a flow relay only after coturn has relayed a packet of it, and from time to time asks
 * for another one (struct gate, struct flow_note).
 */
#ifndef BPF_GATE_H
#define BPF_GATE_H

#include "flows.h"
#include "maps.h"

/*
 * Linux before 5.12 has no atomic OR. Two CPUs may do this at one time, and a device's bit may be lost until
 * the next packet; and two packets may go up where one was asked for.
 */
static __always_inline void note_seen(struct flow_note *note, __u32 place)
{
	if (place & GATE_HAIRPIN)
		*(volatile __u8 *)&note->seen_hairpin = 1;
	else
		*(volatile __u16 *)&note->seen |= place;
}

/*
 * Decides about a packet whose flow had a gate that did not fit its place. `own` is the flow's gate as it is now.
 * The place is given by its gate. Returns a verdict. The function is not static, so that the verifier walks it once.
 *
 * The server changes the gate and the note while this runs. The gate is one word, and the program never writes it.
 * So a packet that comes after the server has closed the gate does not pass, whatever the note says, and only the
 * server opens the gate again. The server writes the note before the gate (maps_gate_put), but a CPU may load the
 * note first, and so have an older note with the new gate. Then the sample is the packet after this one, which is
 * relayed; or this packet is taken for a sample that nobody wants any more, and coturn relays it. Neither does harm.
 */
__noinline __u32 gate_closed(__u32 index, __u32 own, __u32 gate, __u32 mask)
{
	struct flow_note *note = bpf_map_lookup_elem(&notes, &index);
	__u32 place = mask & GATE_PLACES, back;
	const struct hop_entry *entry;

	if (!((own ^ gate) & mask))
		return VERDICT_CONTINUE;
	if (!note)
		return VERDICT_PROBATION;
	if ((own ^ gate) & mask & ~GATE_ASK) {
		note_seen(note, place);
		return VERDICT_PROBATION;
	}
	if (note->sample) {
		*(volatile __u8 *)&note->sample = 0;
		note_seen(note, place);
		return VERDICT_SAMPLE;
	}
	/*
	 * Packets that come from this host itself do not come from a device, and others do not
	 * come from the hairpin. The kernel drops those that claim to (a martian source).
	 */
	back = note->back;
	entry = bpf_map_lookup_elem(&hops, &back);
	if (!entry || !(entry->seq & 1) || !(entry->flags & HOP_LOCAL) != !(place & GATE_HAIRPIN))
		return VERDICT_PROBATION;
	return VERDICT_CONTINUE;
}

/* Whether the flow relays packets from this place. */
static __always_inline enum verdict gate_check(const struct flow *flow, const struct flow_found *found,
					       const struct gate *place)
{
	const struct flow_slot *slot = found->slot;
	__u32 gate;

	if (!((flow->gate ^ place->gate) & place->mask))
		return VERDICT_CONTINUE;
	/*
	 * The gate is loaded once more. If flow->gate were used here, clang would keep it in a register, and packets that
	 * pass an open gate would take more instructions. If another flow has taken the slot meanwhile, the packet is
	 * none of those that its note is about.
	 */
	gate = *(const volatile __u32 *)&slot->gate;
	slot = load_after(slot, gate);
	if (slot_seq(slot) != found->seq)
		return VERDICT_NO_FLOW;
	return gate_closed(found->index, gate, place->gate, place->mask);
}

#endif
