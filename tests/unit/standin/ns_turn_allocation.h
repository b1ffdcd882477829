/* SPDX-License-Identifier: BSD-3-Clause */
/* Stands in for coturn's header: see README.md. */
#ifndef STANDIN_NS_TURN_ALLOCATION_H
#define STANDIN_NS_TURN_ALLOCATION_H

#include "ns_turn_session.h"

int is_allocation_valid(const allocation *a);
ioa_socket_handle get_relay_socket(allocation *a, int family);
ch_info *allocation_get_ch_info(allocation *a, uint16_t number);
ch_info *allocation_get_ch_info_by_peer_addr(allocation *a, ioa_addr *peer);

#endif
