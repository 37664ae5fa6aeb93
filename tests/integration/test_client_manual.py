"""echotime's help, its manual page and its completion tell of the same commands, options and values, and
the page of every key that is printed with --json."""

import os
import re
import subprocess
import unittest

from support import DEADLINE, Daemon, client, isolate, main, process, refusing_port

ROOT = os.environ["ETD_SOURCE_DIR"]
PAGE = os.path.join(ROOT, "docs", "echotime.1.scd")
COMPLETION = os.path.join(ROOT, "docs", "completion", "echotime.bash")
COMMON = "options of every command"


def read_page():
    """The page's source, without the backslashes that scdoc wants."""
    with open(PAGE, encoding="utf-8") as file:
        return re.sub(r"\\(.)", r"\1", file.read())


def commands():
    """The commands of the program's help, in its order."""
    listed = client.run("--help").output.partition("Commands:\n")[2].partition("\n\n")[0]
    return re.findall(r"^  (\w+) ", listed, re.MULTILINE)


class Option:
    """One option as the help shows it."""

    def __init__(self, left, right):
        words = left.replace(",", "").split()
        self.names = [word for word in words if word.startswith("-")]
        self.value = next((word for word in words if not word.startswith("-")), None)
        self.choices = []
        if found := re.search(r"one of ([\w, ]+)", right):
            self.choices = found[1].split(", ")
            self.choices[-1] = self.choices[-1].split()[0]
        found = re.search(r"\(default ([\w]+)\)", right)
        self.default = found[1] if found else None
        # "else raw for echo, line for time; one of ..."
        found = re.search(r", else ([^;]*)", right)
        self.otherwise = set(self.choices) & set(re.findall(r"\w+", found[1])) if found else set()


def options_of_help(command):
    text = client.run(command, "--help").output.partition("Options:\n")[2].partition("\n\n")[0]
    rows = re.split(r"\n(?= {2,6}-)", text)
    found = []
    for row in rows:
        left, right = re.match(r"\s*((?:-\w, )?--[\w-]+(?: [A-Z]+)?)\s+(.*)", row, re.DOTALL).groups()
        found.append(Option(left, " ".join(right.split())))
    return found


def sections_of_page():
    """{command or COMMON: [(names, value, what is said)]}."""
    sections = {}
    for piece in re.split(r"^(?=#)", read_page(), flags=re.MULTILINE):
        title = piece.partition("\n")[0].lstrip("# ").lower()
        rows = re.findall(r"^(\*-.*)\n((?:\t.*\n)+)", piece, re.MULTILINE)
        sections[title] = [
            (re.findall(r"\*(-[\w-]+)\*", head), re.findall(r"_([A-Z]+)_", head), said)
            for head, said in rows
        ]
    return sections


def complete(line):
    """What the completion offers behind `line`, sorted."""
    words = [piece for word in line.split(" ") for piece in re.split(r"([=:]+)", word) if piece]
    if line.endswith(" "):
        words.append("")
    array = " ".join(f"'{word}'" for word in words)
    script = (
        f"set -u; source '{COMPLETION}'; COMP_WORDS=({array}); COMP_CWORD={len(words) - 1}\n"
        '_echotime echotime; for reply in "${COMPREPLY[@]}"; do printf "%s\\n" "$reply"; done'
    )
    done = subprocess.run(
        ["bash", "--norc", "-c", script], capture_output=True, timeout=DEADLINE, check=False
    )
    if done.returncode != 0 or done.stderr:
        raise AssertionError(done)
    return sorted(done.stdout.decode().split())


class Agreement(unittest.TestCase):
    def test_the_commands_are_the_same(self):
        named = commands()
        self.assertEqual(set(named), {"time", "ping", "send", "load", "health"})
        page = read_page()
        self.assertEqual(re.findall(r"^\*echotime\* \*(\w+)\* ", page, re.MULTILINE), named)
        self.assertEqual(re.findall(r"^## (\w+)$", page, re.MULTILINE), named)
        self.assertEqual(
            complete("echotime "), sorted([*named, "-h", "--help", "-V", "--version"])
        )

    def test_the_page_has_every_option_and_no_other(self):
        sections = sections_of_page()
        common = {tuple(names): value for names, value, _ in sections[COMMON]}
        self.assertEqual(len(common), 6)
        for command in commands():
            told = {tuple(names): (value, said) for names, value, said in sections[command]}
            options = {tuple(option.names): option for option in options_of_help(command)}
            self.assertEqual(set(told) | set(common), set(options), command)
            self.assertFalse(set(told) & set(common), command)
            for names, value in common.items():
                option = options[names]
                self.assertEqual(value, [option.value] if option.value else [], names)
            for names, (value, said) in told.items():
                option = options[names]
                self.assertEqual(value, [option.value] if option.value else [], names)
                if option.default is not None:
                    self.assertRegex(
                        " ".join(said.split()), rf"default is {option.default}\b", (command, names)
                    )
                if option.otherwise:
                    default = re.search(r"(?:default is|Without it,) ([^.]*)", " ".join(said.split()))
                    named = set(option.choices) & set(re.findall(r"\w+", default[1]))
                    self.assertEqual(named, option.otherwise, (command, names))
                if "--protocol" in names:
                    self.assertEqual(re.findall(r"\*(\w+)\*", said), option.choices, command)
                if "--framing" in names:
                    self.assertEqual(re.findall(r"\*(\w+)\*", said), option.choices, command)

    def test_the_completion_has_every_option_and_no_other(self):
        for command in commands():
            options = options_of_help(command)
            names = sorted(name for option in options for name in option.names)
            self.assertEqual(complete(f"echotime {command} -"), names)
            offered = complete(f"echotime {command} ")
            self.assertEqual(offered, sorted([*names, "tcp://", "udp://"]))
            for option in options:
                for name in option.names:
                    self.check_value(f"echotime {command} {name} ", option, offered)
                    if name.startswith("--") and option.value:
                        self.check_value(f"echotime {command} {name}=", option, offered)

    def check_value(self, line, option, offered):
        if option.choices:
            self.assertEqual(complete(line), sorted(option.choices), line)
            self.assertEqual(complete(line + option.choices[0][:2]),
                             sorted(c for c in option.choices if c[:2] == option.choices[0][:2]))
        elif option.value == "ADDRESS":
            self.assertIn("127.0.0.1", complete(line))
        elif option.value:
            self.assertEqual(complete(line), [], line)
        else:
            self.assertEqual(complete(line), offered, line)


def keys(value):
    """The names in an object, and in the objects in it."""
    if not isinstance(value, dict):
        return set()
    return set(value).union(*(keys(one) for one in value.values()))


class Keys(unittest.TestCase):
    def documented(self):
        """{command: the words in bold of its paragraph}; under "" those that all have."""
        section = read_page().partition("# JSON")[2].partition("\n# ")[0]
        found = {}
        for paragraph in section.split("\n\n"):
            words = re.findall(r"\*(\w+)\*", paragraph)
            if paragraph.startswith("All have"):
                found[""] = set(words)
            elif re.match(r"\*\w+\*: ", paragraph):
                found[words[0]] = set(words[1:])
        return found

    def printed(self):
        """{command: the keys that its runs print}."""
        services = ["echo", "time", "daytime", "ntp", "stamp"]
        configuration = "".join(
            f"[udp {name}]\nservice = {name}\nlisten = 127.0.0.1:0\n" for name in services
        )
        found = {}
        with Daemon(configuration + "[tcp]\nlisten = 127.0.0.1:0\n") as daemon:
            url = {name: client.url("udp", daemon.address(f"udp {name}")) for name in services}
            tcp = client.url("tcp", daemon.address("tcp"))
            nowhere = f"udp://127.0.0.1:{refusing_port()}"
            for command, *options in (
                ["time", "-p", "daytime", url["daytime"]],
                ["time", "-p", "ntp", url["ntp"]],
                ["ping", "-c2", "-i10ms", "-p", "stamp", url["stamp"]],
                ["ping", "-c1", nowhere],
                ["load", "-t100ms", tcp],
                ["load", "-t100ms", "-r100", tcp],
                ["health", tcp],
                ["health", nowhere],
            ):
                for one in client.run(command, *options, "--json").objects:
                    found[command] = found.get(command, set()) | keys(one)
            done = process.run(client.command("send", "--json", tcp), given=b"hello\n")
            self.assertEqual((done.status, done.output), (0, b"hello\n"))
            found["send"] = keys(client.Outcome(0, done.errors.decode()).object)
        return found

    def test_the_keys_that_are_printed_are_those_of_the_page(self):
        documented, printed = self.documented(), self.printed()
        self.assertEqual(documented.pop(""), {"url", "ok", "error", "address"})
        self.assertEqual(set(documented), set(commands()))
        values = {"reply", "lost", "stray", "summary"}  # of "event"; "lost" is a key, too
        for command, told in documented.items():
            common = {"url", "ok", "error", "address"}
            self.assertEqual(printed[command] - common, told - common - (values - {"lost"}), command)


if __name__ == "__main__":
    isolate()
    main()
