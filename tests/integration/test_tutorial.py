"""The two programs that every learner of sockets writes first, on the configuration we ship."""

import os
import sys
import unittest
from datetime import datetime, timedelta, timezone

import support
from support import Daemon

SOURCE = os.environ["ETD_SOURCE_DIR"]
SHIPPED = os.path.join(SOURCE, "conf", "echotimed.ini")


class Tutorial(unittest.TestCase):
    def run_program(self, name, port, real_port):
        """Runs a program of tutorial/, changed in nothing but the port; gives its output."""
        path = os.path.join(SOURCE, "tests/integration/tutorial", name)
        with open(path, encoding="utf-8") as file:
            program = file.read()
        self.assertIn(str(port), program)
        program = program.replace(str(port), str(real_port))
        result = support.run([sys.executable, "-c", program])
        self.assertEqual(result.status, 0, result.errors.decode())
        return result.output.decode()

    def shipped_daemon(self):
        options = ["-o", "tcp.listen=127.0.0.1:0", "-o", "udp.listen=127.0.0.1:0"]
        return self.enterContext(Daemon(arguments=["-c", SHIPPED, *options]))

    def test_tcp_client_gets_its_own_bytes_back(self):
        daemon = self.shipped_daemon()
        output = self.run_program("tcp_client.py", 8080, daemon.address("tcp")[1])
        self.assertEqual(output, "Received: Hello, server!\n")

    def test_udp_client_gets_the_time_as_text(self):
        daemon = self.shipped_daemon()
        output = self.run_program("udp_client.py", 9000, daemon.address("udp")[1])
        self.assertRegex(
            output, r"\AServer time: \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z\n\Z"
        )
        told = datetime.fromisoformat(output.split()[-1])
        self.assertLess(abs(datetime.now(timezone.utc) - told), timedelta(seconds=60))


if __name__ == "__main__":
    support.isolate()
    support.main()
