/* SPDX-License-Identifier: BSD-3-Clause */
/* Writes a world into the tables of the loaded program. */
#ifndef PACKET_TABLES_H
#define PACKET_TABLES_H

#include "world.h"

struct turn_bpf;

/* Nothing is done if it is there already. */
void tables_put(struct turn_bpf *skel, const struct world *world);

/* The meters as they are now. */
void tables_limits(struct turn_bpf *skel, struct limit limit[2]);

/* The next program has tables of its own. */
void tables_forget(void);

#endif
