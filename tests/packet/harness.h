/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Runs packets through the loaded program (BPF_PROG_TEST_RUN), in a network
 * namespace of its own, and looks at everything that it may change: the
 * packet, the action, the verdict counters, the usage rows.
 */
#ifndef PACKET_HARNESS_H
#define PACKET_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model.h"

#define ROWS(table) (table), sizeof(table) / sizeof((table)[0])

/* Everything that the program decides by, apart from the packet. */
struct world {
	struct flow_entry flow[2]; /* to the peer, to the client */
	bool absent[2];            /* the flow is not bound */
	bool reused[2];            /* its element has become another flow's */
	struct hop_row hop[2];
	struct port port[ABI_PORTS];
	uint64_t deadline[2];
	bool no_devices; /* no device may be redirected to */
	bool generic;    /* the program runs on skbs */
	uint32_t ingress;
	uint32_t metadata; /* bytes before the packet, which take its headroom */
};

struct outcome {
	uint32_t action;
	int verdict; /* -1: not exactly one counter moved, by 1, on this CPU */
	struct usage_row usage[2];  /* what was added for the two flows */
	bool usage_strayed;         /* another row changed as well */
	struct frame frame;
};

/* Interfaces of the namespace: lo, and another one. */
extern uint32_t harness_lo, harness_other;

/* Group fixtures. Without the privileges, the tests are skipped: see harness_need(). */
int harness_open(void **state);
int harness_close(void **state);
/* First in every test: skips it, with the reason, if the program is not loaded. */
void harness_need(void);

/* Both flows bound, both next hops known and on lo, where packets come in. */
void harness_world(struct world *world);
/* Puts the world into the tables and sends a frame through the program. */
void harness_send(const struct world *world, const struct frame *frame, struct outcome *outcome);

/* Whether a row came out as it must; says on stdout what did not. */
bool harness_row(const struct row *row);
/* Fails the test if any row does, after all of them. */
void harness_table(const struct row *row, size_t rows);

int harness_cpus(void);
/* Goes to this CPU for what follows; false if it cannot. */
bool harness_cpu(int cpu);

/* Whether some packet got this verdict since the program was loaded. */
bool harness_seen(enum verdict verdict);

#endif
