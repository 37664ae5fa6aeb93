"""What README.md shows is what happens."""

import os
import unittest

import support
from support import Daemon
from support.examples import check

SOURCE = os.environ["ETD_SOURCE_DIR"]


class Readme(unittest.TestCase):
    def test_every_example_prints_what_the_readme_says(self):
        with Daemon(arguments=["-c", os.path.join(SOURCE, "conf", "echotimed.ini")]):
            self.assertGreaterEqual(check(os.path.join(SOURCE, "README.md")), 5)


if __name__ == "__main__":
    support.isolate()
    support.main()
