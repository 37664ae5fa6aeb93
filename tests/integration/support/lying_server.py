"""A server that does to its answers what networks and broken servers do: it damages, duplicates,
delays, reorders, drops, forges, cuts and resets, as a test tells it."""

import heapq
import select
import socket
import struct
import threading
import time

CLOSE = object()  # instead of an answer, over TCP: an end in order
RESET = object()  # likewise: a reset


class LyingServer:
    """Answers on a port of its own, in a thread, as long as the `with`.

        def lie(number, message):               # number counts messages from 1
            return [(0, message), (0.5, message)]   # seconds to wait, and what to send then

        with LyingServer(lie) as server: ...server.address...

    Over TCP answers leave in the order of their messages, whatever their delays; a message is `size`
    bytes, or with None whatever was received at once, and `on_connect` says what is sent at first.
    """

    def __init__(self, lie, transport="udp", size=None, on_connect=(), host="127.0.0.1"):
        self._lie = lie
        self._tcp = transport == "tcp"
        self._size = size
        self._on_connect = list(on_connect)
        self._host = host
        self._due = []  # a heap of (when, order, answer)
        self._order = 0
        self._last = 0
        self.messages = []
        self.peers = []

    def __enter__(self):
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        kind = socket.SOCK_STREAM if self._tcp else socket.SOCK_DGRAM
        self._socket = socket.socket(family, kind)
        self._socket.bind((self._host, 0))
        self.address = self._socket.getsockname()[:2]
        if self._tcp:
            self._socket.listen()
        self._wake, self._waker = socket.socketpair()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._waker.close()
        self._thread.join()
        self._wake.close()
        self._socket.close()

    def _plan(self, answers):
        for delay, answer in answers:
            when = time.monotonic() + delay
            if self._tcp:  # a stream keeps its order
                when = self._last = max(when, self._last)
            self._order += 1
            heapq.heappush(self._due, (when, self._order, answer))

    def _take(self, message):
        self.messages.append(message)
        self._plan(self._lie(len(self.messages), message))

    def _serve(self):
        if not self._tcp:
            self._converse(self._socket)
            return
        while self._ready(self._socket, None):
            stream, peer = self._socket.accept()
            self.peers.append(peer)
            self._last = 0
            self._plan(self._on_connect)
            self._converse(stream)
            stream.close()
            self._due.clear()

    def _ready(self, readable, deadline):
        """True: readable. None: the deadline is over. False: we are to end."""
        wait = None if deadline is None else max(0, deadline - time.monotonic())
        ready = select.select([readable, self._wake], [], [], wait)[0]
        if self._wake in ready:
            return False
        return True if ready else None

    def _converse(self, connection):
        """Until the peer has closed, an answer closes, or we are to end."""
        held = b""
        while True:
            ready = self._ready(connection, self._due[0][0] if self._due else None)
            if ready is False:
                return
            if ready and self._tcp:
                try:
                    piece = connection.recv(65536)
                except ConnectionResetError:
                    return
                if not piece:
                    return
                held += piece
                size = self._size or len(held)
                while len(held) >= size > 0:
                    self._take(held[:size])
                    held = held[size:]
                    size = self._size or len(held)
            elif ready:
                message, peer = connection.recvfrom(65536)
                self.peers.append(peer)
                self._take(message)
            while self._due and self._due[0][0] <= time.monotonic():
                answer = heapq.heappop(self._due)[2]
                if answer is CLOSE or answer is RESET:
                    if answer is RESET:
                        linger = struct.pack("ii", 1, 0)
                        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                    return
                if self._tcp:
                    connection.sendall(answer)
                else:
                    connection.sendto(answer, self.peers[-1])


def damaged(message, index):
    """With one bit of one byte turned."""
    return message[:index] + bytes([message[index] ^ 1]) + message[index + 1 :]
