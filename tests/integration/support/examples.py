"""Runs the examples of README.md against a daemon on the default ports, and compares the output.

A block ```console holds commands behind "$ ", each followed by its output. A block ```python is a
program, and the block ```text behind it is its output. Times count as equal to all other times.

usage: examples.py README.md
"""

import re
import subprocess
import sys

TIMEOUT = 30

TIMES = [
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", "<rfc3339>"),
    (r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", "<http>"),
    (r"\b\d{10}\b", "<unix>"),
]


def blocks(text):
    """The fenced blocks as pairs (language, content)."""
    return re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def examples(text):
    """Triples (what it is, command as a list, expected output)."""
    program = None
    for language, content in blocks(text):
        if language == "console":
            for piece in re.split(r"^\$ ", content, flags=re.MULTILINE)[1:]:
                command, _, output = piece.partition("\n")
                yield command, ["bash", "-c", command], output
        elif language == "python":
            program = content
        elif language == "text" and program is not None:
            yield program, [sys.executable, "-c", program], content
            program = None
    if program is not None:
        raise AssertionError("a python block of the README has no text block with its output")


def without_times(text):
    for look, name in TIMES:
        text = re.sub(look, name, text)
    # A terminal shows it the same, whether the last line is ended or not.
    return text.rstrip("\n")


def check(path):
    """Runs all examples of the file; gives how many there were; fails at the first that differs."""
    with open(path, encoding="utf-8") as file:
        found = list(examples(file.read()))
    for what, command, expected in found:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT, check=False
        )
        output = done.stdout.decode() + done.stderr.decode()
        if without_times(output) != without_times(expected):
            raise AssertionError(f"{what}\nshould print\n{expected}\nbut prints\n{output}")
    return len(found)


if __name__ == "__main__":
    print(f"{check(sys.argv[1])} examples print what they should")
