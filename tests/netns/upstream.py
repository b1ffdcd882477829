# SPDX-License-Identifier: BSD-3-Clause
"""What differs between coturn's releases, where tests have to know.

4.17.1 means to send to clients with the TTL of what came from the peer, less one,
and at most 64, but sends with 1, which later releases have mended. The offload
does what is meant.

It also answers a client's first request, which has no credentials, before there
is a session to count it in, and counts the ChannelData header in what it sends to peers.
"""

from collections import Counter

from server import version


def ttl_to_client(sent, arrived):
    """The TTL that is meant, of what a peer sent and what arrived at the client."""
    if not ttl_means_something() and arrived == 1:
        return min(sent - 1, 64)
    return arrived


def ttl_means_something():
    """Whether what it sends to clients has the TTL that is meant."""
    return version() != (4, 17, 1)


def nat_discovery():
    """Options that make it listen at the alternate port, as earlier releases do anyway."""
    return [("rfc5780", None)] if version() >= (4, 17) else []


def book(client, peer, at_client, to_peer):
    """Changes the totals of a session's captured packets to those that it counts:
    all that were captured at the client, and those that arrived at the peer."""
    if version() < (4, 17):
        return
    requests = [packet for packet in at_client if packet.payload[:1] < b"@"]
    for packet, letter in zip(requests[:2], "rs"):
        client[letter + "p"] -= 1
        client[letter + "b"] -= len(packet.payload)
    # Data that was sent more than once need not have arrived as often.
    relayed = Counter(packet.payload for packet in to_peer)
    sent = Counter(_data(packet.payload) for packet in at_client
                   if packet.dport == 3478 and packet.payload[:1] >= b"@")
    peer["sb"] += 4 * sum((relayed & sent).values())


def _data(message):
    """What is in a ChannelData message, without padding."""
    return message[4:4 + int.from_bytes(message[2:4], "big")]
