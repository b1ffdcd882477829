/* SPDX-License-Identifier: BSD-3-Clause */
/* Writes a world into the tables of the loaded program. */
#ifndef PACKET_TABLES_H
#define PACKET_TABLES_H

#include "model/world.h"

struct turn_bpf;

/* Nothing is done but for the limits if it is there already, whatever the time is. */
void tables_put(struct turn_bpf *skel, const struct world *world);

/* The meters as they are now. */
void tables_limits(struct turn_bpf *skel, struct limit limit[2]);

/* Rows of the table of flows: enough for as many as a flow may stand on, without one twice. */
#define TABLES_ROWS 1200

/* Of a program that was just loaded: nothing is in its tables. 0 or -errno. */
int tables_open(struct turn_bpf *skel);
void tables_close(void);

/* The table of flows as the program sees it, and the row of one of the world's, -1: none. */
const struct flow_slot *tables_slots(void);
/* The notes of these rows. */
const struct flow_note *tables_notes(void);
int tables_row(int flow);

/* Puts another flow in the place of one, as the server does. Any thread. */
void tables_flow_write(int flow, const struct flow *to);
/* The memory that the program reads. */
struct flow_slot *tables_slot(int flow);
struct flow_words *tables_words(int flow);
struct hop_entry *tables_hop(int hop);
struct egress *tables_egress(int hop);
/* Writes the tables anew with the next packet, as they were changed meanwhile. */
void tables_forget(void);

#endif
