"""The shipped configuration, unchanged, on its own ports 8080 and 9000, in a network of its own."""

import os
import sys
import unittest

import support
from support import Daemon

SOURCE = os.environ["ETD_SOURCE_DIR"]
SHIPPED = os.path.join(SOURCE, "conf", "echotimed.ini")
INSTALLED = "/etc/echotimed"


class DefaultPorts(unittest.TestCase):
    def check_both_programs(self):
        for name, expected in (
            ("tcp_client.py", r"\AReceived: Hello, server!\n\Z"),
            ("udp_client.py", r"\AServer time: \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z\n\Z"),
        ):
            program = os.path.join(SOURCE, "tests/integration/tutorial", name)
            result = support.run([sys.executable, "-B", program])
            self.assertEqual(result.status, 0, result.errors.decode())
            self.assertRegex(result.output.decode(), expected)

    def test_shipped_configuration_serves_both_programs_unchanged(self):
        with Daemon(arguments=["-c", SHIPPED]) as daemon:
            self.assertEqual(daemon.addresses("tcp"), [("127.0.0.1", 8080)])
            self.assertEqual(daemon.addresses("udp"), [("127.0.0.1", 9000)])
            self.check_both_programs()

    def test_no_file_at_all_serves_the_same_and_says_so(self):
        # An installed echotimed on this machine must not hide what no file does.
        mount = f'mount -t tmpfs none {INSTALLED} && exec "$@"'
        cover = ["unshare", "--mount", "sh", "-c", mount, "sh"]
        with Daemon(prefix=cover if os.path.isdir(INSTALLED) else []) as daemon:
            self.check_both_programs()
            self.assertIn(f"{INSTALLED}/echotimed.ini", daemon.log_text())


if __name__ == "__main__":
    support.isolate()
    support.main()
