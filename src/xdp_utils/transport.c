/* SPDX-License-Identifier: BSD-3-Clause */
#include "transport.h"

#include <string.h>

int transport_compare(const struct transport *one, const struct transport *other)
{
	int order = one->family - other->family;

	if (!order)
		order = memcmp(&one->address, &other->address, sizeof(one->address));
	return order ? order : one->port - other->port;
}
