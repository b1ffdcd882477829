/* SPDX-License-Identifier: BSD-3-Clause */
/* Stands in for coturn's header: see README.md. */
#ifndef STANDIN_PROM_SERVER_H
#define STANDIN_PROM_SERVER_H

#include <stdint.h>

struct prom_udp_counter_deltas {
	uint64_t packets_processed;
	uint64_t another; /* coturn's own has several, which are left as they are */
};

#endif
