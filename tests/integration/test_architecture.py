"""The architecture, held to by a test: a core without input or output, includes that point one way, and
each library named in one place.

The core's archive is $ETD_CORE, the source tree $ETD_SOURCE_DIR; both have a guess for a run by hand."""

import os
import re
import subprocess
import unittest
from pathlib import Path

ROOT = Path(os.environ.get("ETD_SOURCE_DIR") or Path(__file__).resolve().parents[2])
CORE = Path(os.environ.get("ETD_CORE") or ROOT / "build/release/libetd_core.a")

# What the core may call outside of itself: pure functions of memory and text. No socket, no clock, no
# file, no allocation, no log, no locale and nothing of libev.
ALLOWED = {
    "memchr", "memcmp", "memcpy", "memmove", "memrchr", "memset",
    "strcasecmp", "strchr", "strcmp", "strcpy", "strcspn", "strlen", "strncasecmp", "strncmp",
    "strnlen", "strrchr", "strspn", "strstr",
    "inet_ntop", "inet_pton",
}  # fmt: skip

# What compilers put in by themselves: position-independent code, the stack protector, fortified mem*
# and str*, clang's bcmp for a memcmp that is only asked for equality, and in instrumented builds what
# the sanitizers, the fuzzer and the coverage tool need.
COMPILERS = re.compile(
    r"_GLOBAL_OFFSET_TABLE_|bcmp|__stack_chk_fail|__(mem|str)[a-z]+_chk|__inet_(ntop|pton)_chk"
    r"|__(asan|ubsan|tsan|msan|sanitizer|sancov|gcov|llvm)_\w+"
    r"|__(start|stop)___sancov_\w+|llvm_gc(da|ov)_\w+"
)

# Headers of the C library that hold types and pure functions.
PURE_HEADERS = {
    "arpa/inet.h", "assert.h", "inttypes.h", "limits.h", "stdalign.h", "stdarg.h", "stdbool.h", "stddef.h",
    "stdint.h", "string.h", "strings.h",
}  # fmt: skip

# The rooms, and from which of our own folders each may include. "" is the folder of the file itself.
CONTRACTS = "echotimed/"
ROOMS = {
    "include/echotimed": [CONTRACTS],
    "src/core": ["", "core/", CONTRACTS],
    "src/framing": ["", "framing/", CONTRACTS],
    "src/services": ["", "services/", CONTRACTS],
    "src/platform": ["", "platform/", CONTRACTS],
    "src/daemon": ["", "daemon/", "platform/", CONTRACTS],
    "src/client": ["", "client/", "platform/", CONTRACTS],
}
PURE_ROOMS = ["include/echotimed", "src/core", "src/framing", "src/services"]

# Where each library may be named, and in how many files at most.
LIBRARIES = {
    r"ev\.h": (["src/daemon", "src/client", "bench"], None),
    r"ini\.h": (["src/platform"], 1),
    r"systemd/.*": (["src/platform"], 1),
    r"microhttpd\.h": (["src/platform"], 1),
    r"check\.h": (["tests"], None),
}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)


def includes(path):
    """The pairs of bracket and header that a file names."""
    return INCLUDE.findall(path.read_text(encoding="utf-8"))


def sources(*folders):
    found = []
    for folder in folders:
        found += sorted(p for p in (ROOT / folder).rglob("*") if p.suffix in (".c", ".h"))
    return found


def room_of(path):
    relative = path.relative_to(ROOT).as_posix()
    return next((room for room in ROOMS if relative.startswith(room + "/")), None)


def undefined_symbols(archive):
    """What an archive needs from elsewhere: what no member of it defines."""
    listing = subprocess.run(
        ["nm", "--format=posix", str(archive)], check=True, capture_output=True, text=True
    ).stdout
    needed, defined = {}, set()
    member = ""
    for line in listing.splitlines():
        words = line.split()
        if line.endswith(":"):
            member = line[:-1]
        elif len(words) >= 2 and words[1] in "Uwv":
            needed.setdefault(words[0], member)
        elif len(words) >= 2:
            defined.add(words[0])
    return {name: member for name, member in needed.items() if name not in defined}


class Core(unittest.TestCase):
    def test_core_names_no_input_output_clock_allocation_or_log(self):
        self.assertTrue(CORE.is_file(), f"no such archive: {CORE}; build it, or set ETD_CORE")
        strangers = {
            name: member
            for name, member in undefined_symbols(CORE).items()
            if name not in ALLOWED and not COMPILERS.fullmatch(name)
        }
        self.assertEqual(
            strangers, {}, "the core calls what is not pure (symbol: first member that names it)"
        )

    def test_core_is_looked_into_at_all(self):
        """An empty or stripped archive would pass the test above."""
        needed = undefined_symbols(CORE)
        self.assertIn("inet_pton", needed)
        self.assertNotIn("etd_session_open", needed)

    def test_pure_rooms_include_pure_headers_alone(self):
        for path in sources(*PURE_ROOMS):
            system = {name for bracket, name in includes(path) if bracket == "<"}
            with self.subTest(file=str(path.relative_to(ROOT))):
                self.assertEqual(system - PURE_HEADERS, set())


class Rooms(unittest.TestCase):
    def test_every_room_is_there(self):
        for room in ["include/echotimed", "src/core", "src/framing", "src/services"]:
            self.assertTrue(sources(room), f"{room} is empty: has it moved?")

    def test_arrows_point_one_way(self):
        for path in sources("include", "src"):
            room = room_of(path)
            with self.subTest(file=str(path.relative_to(ROOT))):
                self.assertIsNotNone(room, "stands in no room; give it one in ROOMS")
                for bracket, name in includes(path):
                    if bracket == '"':
                        folder = name[: name.rfind("/") + 1]
                        self.assertIn(folder, ROOMS[room], f'"{name}"')

    def test_our_own_headers_are_quoted(self):
        for path in sources("include", "src"):
            angled = {name for bracket, name in includes(path) if bracket == "<"}
            ours = {n for n in angled if n.startswith(("echotimed/", "core/", "platform/"))}
            self.assertEqual(ours, set(), path)


class Libraries(unittest.TestCase):
    def test_each_library_is_named_in_its_room(self):
        everything = sources("include", "src", "tests", "bench")
        for pattern, (rooms, most) in LIBRARIES.items():
            users = [
                path.relative_to(ROOT).as_posix()
                for path in everything
                if any(re.fullmatch(pattern, name) for _, name in includes(path))
            ]
            with self.subTest(header=pattern):
                outside = [u for u in users if not u.startswith(tuple(r + "/" for r in rooms))]
                self.assertEqual(outside, [], f"only {' and '.join(rooms)} may name it")
                if most is not None:
                    self.assertLessEqual(len(users), most, f"named in {users}")


if __name__ == "__main__":
    unittest.main()
