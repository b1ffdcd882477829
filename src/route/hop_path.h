/* SPDX-License-Identifier: BSD-3-Clause */
/* The addresses that a next hop depends on. */
#ifndef OFFLOAD_ROUTE_HOP_PATH_H
#define OFFLOAD_ROUTE_HOP_PATH_H

#include <stdint.h>

#include "abi.h"

/* Two paths are compared as bytes: all of the struct has to be set. */
struct hop_path {
	union abi_addr at;       /* our address that packets come in to: without it none would reach coturn */
	union abi_addr from, to; /* our address that they leave from, and the client's or peer's that they go to */
	uint8_t at_family;       /* AF_INET or AF_INET6 */
	uint8_t family;          /* the same, of `from` and `to` */
	uint8_t zero[2];
};

#endif
