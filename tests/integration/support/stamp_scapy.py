"""A sender of STAMP made of scapy's own layer, which knows nothing of ours.

Run by the python that has scapy: stamp_scapy.py HOST PORT, with a list of packets as JSON on
standard input, {"sequence", "timestamp", "ssid", "ttl", "tlvs": [{"type", "length", "value"}]},
values in hexadecimal. Writes a list of what scapy reads in their answers.
"""

import json
import socket
import sys

from scapy.contrib.stamp import (
    ErrorEstimate,
    STAMPSessionReflectorTestUnauthenticated,
    STAMPSessionSenderTestUnauthenticated,
    STAMPTestTLV,
)
from scapy.layers.inet import UDP

STAMP_PORT = 862
STAMP_PACKET, UDP_HEADER = 44, 8
TIMEOUT = 30


def mend_scapy():
    """Its release 2.5.0 looks for the length of the UDP datagram in the wrong place."""
    for field in STAMPSessionReflectorTestUnauthenticated.fields_desc:
        if field.name == "tlv_objects":
            field.length_from = lambda packet: packet.underlayer.len - UDP_HEADER - STAMP_PACKET


def build(wanted):
    tlvs = [
        STAMPTestTLV(type=tlv["type"], len=tlv["length"], value=bytes.fromhex(tlv["value"]))
        for tlv in wanted["tlvs"]
    ]
    return bytes(
        STAMPSessionSenderTestUnauthenticated(
            seq=wanted["sequence"],
            ts=wanted["timestamp"],
            err_estimate=ErrorEstimate(S=1, Z=0, scale=10, multiplier=77),
            ssid=wanted["ssid"],
            tlv_objects=tlvs,
        )
    )


def read(payload):
    header = bytes(UDP(sport=STAMP_PORT, dport=50000, len=UDP_HEADER + len(payload)))
    packet = UDP(header + payload)[STAMPSessionReflectorTestUnauthenticated]
    # Its flags have the names of RFC 8972 in the reverse order of bits, so they go as a number.
    return {
        "bytes": len(payload),
        "sequence": packet.seq,
        "ssid": packet.ssid,
        "transmitted": float(packet.ts),
        "received": float(packet.ts_rx),
        "synchronised": packet.err_estimate.S,
        "multiplier": packet.err_estimate.multiplier,
        "sender_sequence": packet.seq_sender,
        "sender_timestamp": float(packet.ts_sender),
        "sender_multiplier": packet.err_estimate_sender.multiplier,
        "sender_ttl": packet.ttl_sender,
        "zeros": [packet.mbz1, packet.mbz2],
        "tlvs": [
            {"flags": int(tlv.flags), "type": tlv.type, "length": tlv.len, "value": tlv.value.hex()}
            for tlv in packet.tlv_objects
        ],
    }


def main(host, port):
    mend_scapy()
    answers = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(TIMEOUT)
        client.connect((host, int(port)))
        for wanted in json.load(sys.stdin):
            client.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, wanted["ttl"])
            client.send(build(wanted))
            answers.append(read(client.recv(65536)))
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
