/* SPDX-License-Identifier: BSD-3-Clause */
/* Stands in for coturn's header: see README.md. */
#ifndef STANDIN_MAINRELAY_H
#define STANDIN_MAINRELAY_H

#include "ns_turn_session.h"

struct params_standin {
	bool udp_sendmmsg;
};
extern struct params_standin turn_params;

typedef void (*ioa_timer_event_handler)(ioa_engine_handle engine, void *argument);
typedef void *ioa_timer_handle;

ioa_timer_handle set_ioa_timer(ioa_engine_handle engine, int seconds, int ms, ioa_timer_event_handler handler,
			       void *argument, int persist, const char *text);
void addr_cpy(ioa_addr *to, const ioa_addr *from);
int addr_eq(const ioa_addr *one, const ioa_addr *other);
uint8_t *ioa_network_buffer_data(ioa_network_buffer_handle buffer);
size_t ioa_network_buffer_get_size(ioa_network_buffer_handle buffer);
void *mp_peer_table_lookup(struct peer_table *table, const ioa_addr *peer);

/* For the hook files, which have it from a header that is included in every file of coturn's. */
void *session_channel_bind(void *server, void *session, void *channel, const void *peer);

#endif
