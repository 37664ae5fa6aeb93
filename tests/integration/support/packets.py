"""Datagrams whose source address and port somebody made up. They need CAP_NET_RAW."""

import socket
import struct

UDP = 17
HEADERS = 28  # bytes of the IPv4 and the UDP header


def raw_socket():
    """What `send_forged` sends on: the IPv4 header is ours."""
    return socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)


def forged_packet(source, address, payload):
    """A datagram from `source` to `address`, IPv4 header and all.

    The kernel fills in the header's length, checksum and identification; over IPv4 a UDP checksum
    of 0 stands for none (RFC 768).
    """
    size = HEADERS + len(payload)
    hosts = socket.inet_aton(source[0]) + socket.inet_aton(address[0])
    header = struct.pack("!BBHHHBBH", 0x45, 0, size, 0, 0, 64, UDP, 0) + hosts
    return header + struct.pack("!HHHH", source[1], address[1], size - 20, 0) + payload


def send_forged(raw, source, address, payload):
    raw.sendto(forged_packet(source, address, payload), (address[0], 0))
