// SPDX-License-Identifier: BSD-3-Clause
#include "trip.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "frame.h"
#include "turn.h"

void trip_read(int argc, char **argv, struct trip *trip)
{
	int letter;

	*trip = (struct trip){ .payload = 160, .seconds = 1 };
	while ((letter = getopt(argc, argv, "c:i:m:p:k:s:j:x:y:g:h:a:b:l:t:o")) != -1) {
		switch (letter) {
		case 'c': trip->client_netns = optarg; break;
		case 'i': trip->client_if = optarg; break;
		case 'm': trip->server_mac = optarg; break;
		case 'p': trip->peer_netns = optarg; break;
		case 'k': trip->peer_if = optarg; break;
		case 's': trip->server_netns = optarg; break;
		case 'j': trip->server_if = optarg; break;
		case 'x': trip->local = optarg; break;
		case 'y': trip->local_port = (unsigned int)atoi(optarg); break;
		case 'g': trip->server = optarg; break;
		case 'h': trip->server_port = (unsigned int)atoi(optarg); break;
		case 'a': trip->peer = optarg; break;
		case 'b': trip->peer_port = (unsigned int)atoi(optarg); break;
		case 'l': trip->payload = (unsigned int)atoi(optarg); break;
		case 't': trip->seconds = atof(optarg); break;
		case 'o': trip->offload = 1; break;
		default: exit(2);
		}
	}
	if (!trip->client_netns || !trip->client_if || !trip->server_mac || !trip->peer_netns || !trip->peer_if ||
	    !trip->server_netns || !trip->server_if || !trip->local || !trip->peer ||
	    trip->payload < PAYLOAD_MIN || trip->payload > PAYLOAD_MAX) {
		fprintf(stderr, "%s: see its call in bench/lib/measure.py\n", argv[0]);
		exit(2);
	}
}

int trip_channel(const struct trip *trip)
{
	struct sockaddr_in local = address_of(trip->local, trip->local_port);
	struct sockaddr_in peer = address_of(trip->peer, trip->peer_port), server, relay;
	int fd, error;

	if (!trip->server)
		return turn_socket(&local, &peer);
	server = address_of(trip->server, trip->server_port);
	fd = turn_socket(&local, &server);
	if (fd < 0)
		return fd;
	error = turn_allocate(fd, &relay);
	if (!error)
		error = turn_bind(fd, TRIP_CHANNEL, &peer);
	if (error) {
		close(fd);
		return error;
	}
	return fd;
}
