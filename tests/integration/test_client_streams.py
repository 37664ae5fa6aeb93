"""echotime with standard streams closed: nothing that it prints ever goes to a server."""

import socket
import unittest

from support import Daemon, client, isolate, main, process

EVERY_COMMAND = [
    ["time"],
    ["ping", "-c2", "-i10ms"],
    ["send"],
    ["load", "-t50ms", "-n1"],
    ["health"],
]
CLOSED = ["<&-", ">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"]


def run(redirection, *arguments):
    shell = ["sh", "-c", f'exec "$@" {redirection}', "sh"]
    return process.run([*shell, *client.command(*arguments)], given=b"hello\n")


def datagrams(sock):
    """Those that have arrived: the sender has ended, and loopback has no way."""
    found = []
    try:
        while True:
            found.append(sock.recv(65536, socket.MSG_DONTWAIT))
    except BlockingIOError:
        return found


class ClosedStreams(unittest.TestCase):
    def test_a_server_gets_questions_and_no_lines(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
            silent.bind(("127.0.0.1", 0))
            port = silent.getsockname()[1]
            url = f"udp://127.0.0.1:{port}"
            for command, *options in EVERY_COMMAND:
                for closed in CLOSED:
                    with self.subTest(command=command, closed=closed):
                        came = self.questions(silent, closed, command, *options, url)
                        if command != "send":  # which needs its streams
                            self.assertTrue(came)
                        for one in came:
                            self.assertNotIn(str(port).encode(), one)
                            self.assertNotIn(b"seq=", one)

    def questions(self, silent, closed, command, *arguments):
        """What the server gets to hear; asking in vain takes the whole time that is given for it."""
        for wait in "-w100ms", "-w1s", "-w10s":  # a busy machine may not come to asking at first
            done = run(closed, command, wait, *arguments)
            self.assertEqual(done.status, 1)
            came = datagrams(silent)
            if came or command == "send":
                break
        return came

    def test_output_that_goes_nowhere_is_a_failure(self):
        with Daemon("[udp]\nlisten = 127.0.0.1:0\nservice = echo\n") as daemon:
            url = client.url("udp", daemon.address("udp"))
            for command in ["ping", "-c1"], ["load", "-t50ms"], ["health", "--json"]:
                done = run(">&-", *command, url)
                self.assertEqual(done.status, 1, command)
                self.assertIn(b"standard output cannot be written: Bad file", done.errors)
            for closed in CLOSED:
                self.assertEqual(run(closed, "health", url).status, 0)


if __name__ == "__main__":
    isolate()
    main()
