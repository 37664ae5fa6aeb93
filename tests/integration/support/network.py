"""Sockets as the tests use them. An address is a pair (host, port), IPv6 without brackets."""

import socket
import struct
import threading

from .waiting import DEADLINE, wait_until


def parse_address(text):
    """("127.0.0.1", 8080) from "127.0.0.1:8080", ("::1", 8080) from "[::1]:8080"."""
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


def family_of(address):
    return socket.AF_INET6 if ":" in address[0] else socket.AF_INET


def connect(address, receive_buffer=None, send_buffer=None, source=None):
    """A connected TCP socket that fails after DEADLINE instead of hanging.

    Buffer sizes, in bytes, make a peer that takes or gives little at a time; `source` is bound first.
    """
    stream = socket.socket(family_of(address), socket.SOCK_STREAM)
    try:
        stream.settimeout(DEADLINE)
        if receive_buffer is not None:
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        if send_buffer is not None:
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
        if source is not None:
            stream.bind(source)
        stream.connect(address)
    except BaseException:
        stream.close()
        raise
    return stream


def receive_exactly(stream, size):
    """Exactly `size` bytes; fails when the stream ends before."""
    data = bytearray()
    while len(data) < size:
        piece = stream.recv(min(size - len(data), 1 << 20))
        if not piece:
            raise AssertionError(f"the stream ended after {len(data)} of {size} bytes")
        data += piece
    return bytes(data)


def receive_to_end(stream):
    """Everything up to the end of the stream. A reset raises ConnectionResetError."""
    data = bytearray()
    while piece := stream.recv(1 << 20):
        data += piece
    return bytes(data)


def exchange(stream, data):
    """Sends `data`, which must be small, and returns as many bytes of answer."""
    stream.sendall(data)
    return receive_exactly(stream, len(data))


def is_served(stream):
    """Whether an echo comes back; not, when the daemon closed the connection in whatever way."""
    try:
        stream.sendall(b"?")
        return stream.recv(1) == b"?"
    except (ConnectionResetError, BrokenPipeError):
        return False


def send_and_receive_all(stream, data):
    """Sends `data` of any size while receiving, then half-closes; returns everything up to the end."""
    failures = []

    def send():
        try:
            stream.sendall(data)
            stream.shutdown(socket.SHUT_WR)
        except OSError as failure:
            failures.append(failure)

    sender = threading.Thread(target=send, daemon=True)
    sender.start()
    received = receive_to_end(stream)
    sender.join(DEADLINE)
    if failures:
        raise failures[0]
    return received


def send_until_stuck(stream):
    """Sends zeros on a TCP socket until its peer takes no more; gives how many bytes it was."""
    sent = 0
    refusals = 0

    def stuck():
        nonlocal sent, refusals
        try:
            while True:
                sent += stream.send(bytes(65536))
                refusals = 0
        except BlockingIOError:
            # A single refusal may only mean that the peer is at work.
            refusals += 1
        return refusals > 10

    stream.setblocking(False)
    wait_until(stuck, "a peer that takes no more")
    stream.settimeout(DEADLINE)
    return sent


def shut_down_by_reset(stream):
    """Closes the socket so that its peer gets a reset."""
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    stream.close()


def udp_socket(address, source=None):
    """A UDP socket of the family of `address`, not connected, that fails after DEADLINE."""
    datagrams = socket.socket(family_of(address), socket.SOCK_DGRAM)
    datagrams.settimeout(DEADLINE)
    if source is not None:
        datagrams.bind(source)
    return datagrams


def answer_to(address, query, source=None):
    """The one datagram that answers `query` at `address`."""
    with udp_socket(address, source) as datagrams:
        datagrams.connect(address)
        datagrams.send(query)
        return datagrams.recv(65536)


_refusing = []  # sockets, held to the end of the test file


def refusing_port():
    """A port of 127.0.0.1 where nobody listens, over TCP or UDP. It stays taken, so that the kernel gives
    it to nobody, nor to the client that asks there, which over UDP would talk to itself."""
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(("127.0.0.1", 0))
    udp.connect(udp.getsockname())  # so it hears nobody else
    tcp = socket.socket()
    try:
        tcp.bind(udp.getsockname())
    except OSError:  # somebody's over TCP
        tcp.close()
        udp.close()
        return refusing_port()
    _refusing.extend([udp, tcp])
    return udp.getsockname()[1]


def free_port(kind=socket.SOCK_STREAM, host="127.0.0.1"):
    """A port that was free just now. Prefer `listen = HOST:0`, which cannot be taken in between."""
    with socket.socket(family_of((host, 0)), kind) as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]
