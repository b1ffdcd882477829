// SPDX-License-Identifier: BSD-3-Clause
#include "datagram.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/ether.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* Internet checksum (RFC 1071) of whole 16 bit words, continued from `sum`. */
static uint32_t sum_add(uint32_t sum, const void *data, size_t size)
{
	const uint8_t *at = data;

	for (size_t i = 0; i + 1 < size; i += 2)
		sum += (uint32_t)(at[i] << 8 | at[i + 1]);
	return sum;
}

static uint16_t sum_fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

int datagram_ethernet(struct datagram *datagram, const char *ifname, const char *to)
{
	struct ifreq request = {};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), error = 0;

	if (fd < 0)
		return -errno;
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", ifname);
	if (ioctl(fd, SIOCGIFHWADDR, &request))
		error = -errno;
	close(fd);
	memcpy(datagram->eth.h_source, request.ifr_hwaddr.sa_data, ETH_ALEN);
	datagram->eth.h_proto = htons(ETH_P_IP);
	if (!ether_aton_r(to, (struct ether_addr *)datagram->eth.h_dest))
		error = -EINVAL;
	return error;
}

unsigned int datagram_fill(struct datagram *datagram, const struct datagram_way *way, unsigned int payload)
{
	unsigned int udp_length = sizeof(datagram->udp) + (way->channel ? 4 : 0) + payload;
	uint16_t header[2] = { htons(way->channel), htons(payload) };

	if (way->channel)
		memcpy(datagram->data, header, sizeof(header));
	datagram->ip = (struct iphdr){
		.version = 4,
		.ihl = 5,
		.tot_len = htons(sizeof(datagram->ip) + udp_length),
		.frag_off = htons(0x4000),
		.ttl = 64,
		.protocol = IPPROTO_UDP,
	};
	inet_pton(AF_INET, way->from, &datagram->ip.saddr);
	inet_pton(AF_INET, way->to, &datagram->ip.daddr);
	datagram->ip.check = sum_fold(sum_add(0, &datagram->ip, sizeof(datagram->ip)));
	datagram->udp = (struct udphdr){
		.source = htons(way->from_port),
		.dest = htons(way->to_port),
		.len = htons(udp_length),
	};
	datagram->udp.check = sum_fold(sum_add(sum_add(IPPROTO_UDP + udp_length, &datagram->ip.saddr, 8),
					       &datagram->udp, udp_length));
	if (!datagram->udp.check)
		datagram->udp.check = 0xffff;
	return sizeof(datagram->eth) + sizeof(datagram->ip) + udp_length;
}
