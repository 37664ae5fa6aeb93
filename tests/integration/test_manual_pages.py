"""The manual pages: they say what the program does, all of it, and are formatted without a fault."""

import glob
import os
import re
import tempfile
import unittest

import support

SOURCE = os.environ["ETD_SOURCE_DIR"]
BUILT = os.path.join(os.environ["ETD_BINARY_DIR"], "docs")
ECHOTIMED = os.environ["ECHOTIMED"]
PAGES = sorted(glob.glob(os.path.join(BUILT, "*.[1-8]")))

# What scdoc writes of itself: an empty paragraph around each that is indented.
OF_SCDOC = re.compile(r"WARNING: skipping paragraph macro: PP (empty|after S[HS])$")


def page(name):
    with open(os.path.join(BUILT, name), encoding="utf-8") as file:
        return file.read()


def shown(name):
    """The page as a terminal shows it, without bold and underlines."""
    done = support.run(["mandoc", "-T", "utf8", "-O", "width=200", os.path.join(BUILT, name)])
    text = done.output.decode()
    return re.sub(".\b", "", text)


def section(name, heading):
    """The text of one section of a page, or of one subsection."""
    found = re.search(
        rf"^( *){re.escape(heading)}\n(.*?)(?=^\S|^ {{1,3}}\S|\Z)", shown(name), re.M | re.S
    )
    if found is None:
        raise AssertionError(f"{name} has no section {heading}")
    return found[2]


def headings(text):
    """The lines of a section that stand at its margin, with text indented under them."""
    return re.findall(r"^ {5,7}(\S.*)\n {8,}\S", text, re.M)


def terms(text):
    """The same where a heading may be several words, commas between them."""
    return [term for line in headings(text) for term in line.split(", ")]


def table(kind):
    """What the program's tables hold of that kind."""
    lines = support.run([os.path.join(BUILT, "etd_tables"), "names"]).output.decode().splitlines()
    found = [line.partition(" ")[2] for line in lines if line.startswith(kind + " ")]
    if not found:
        raise AssertionError(f"the tables have no {kind}")
    return found


def messages():
    """Every message that the program can write to its log, by the sources."""
    call = re.compile(r'\b(?:etd_log|emit)\(\s*([^",;]*),\s*((?:"(?:[^"\\]|\\.)*"\s*)+)')
    found = {}
    for path in glob.glob(os.path.join(SOURCE, "src", "[dp]*", "*.c")):
        with open(path, encoding="utf-8") as file:
            text = file.read()
        for level, pieces in call.findall(text):
            message = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', pieces))
            found[message] = (os.path.basename(path), level)
    return found


class Format(unittest.TestCase):
    def test_pages_are_there(self):
        names = [os.path.basename(path) for path in PAGES]
        self.assertIn("echotimed.8", names)
        self.assertIn("echotimed.ini.5", names)

    def test_man_shows_them_without_a_warning(self):
        for path in PAGES:
            with self.subTest(path):
                done = support.run(["man", "--warnings", "-l", path], environment={"LC_ALL": "C.UTF-8"})
                self.assertEqual((done.status, done.errors), (0, b""))
                self.assertIn(b"SYNOPSIS", done.output)

    def test_groff_has_no_warning(self):
        for path in PAGES:
            with self.subTest(path):
                done = support.run(["groff", "-ww", "-z", "-t", "-man", "-Tutf8", path])
                self.assertEqual((done.status, done.errors), (0, b""))

    def test_mandoc_has_no_warning(self):
        for path in PAGES:
            with self.subTest(path):
                said = support.run(["mandoc", "-T", "lint", "-W", "warning", path]).output.decode()
                ours = [line for line in said.splitlines() if not OF_SCDOC.search(line)]
                self.assertEqual(ours, [])

    def test_nothing_of_the_template_is_left(self):
        for path in PAGES:
            with open(path, encoding="utf-8") as file:
                self.assertNotRegex(file.read(), r"@keys|PROJECT_VERSION|CMAKE_")

    def test_pages_tell_the_version(self):
        version = support.run([ECHOTIMED, "--version"]).output.decode().strip()
        for name in "echotimed.8", "echotimed.ini.5":
            self.assertIn(version, page(name))

    def test_pages_referred_to_exist(self):
        ours = {os.path.basename(path) for path in PAGES} | {"echotime.1"}
        for path in PAGES:
            text = shown(os.path.basename(path))
            for name, number in re.findall(r"\b(echotim[a-z.]*)\((\d)\)", text):
                self.assertIn(f"{name}.{number}", ours)


class Keys(unittest.TestCase):
    def documented(self):
        found = []
        for name in "daemon", "tcp", "udp":
            heading = f"KEYS OF [{name}]" if name == "daemon" else f"KEYS OF [{name}] AND [{name} NAME]"
            text = section("echotimed.ini.5", heading)
            keys = re.findall(r"^ {5,7}(\w+) = [A-Z]+(?:, \.\.\.)?$", text, re.M)
            self.assertTrue(keys)
            found += [f"{name}.{key}" for key in keys]
        return found

    def test_every_key_of_the_table_and_no_other_in_its_order(self):
        self.assertEqual(self.documented(), table("key"))

    def test_keys_of_the_sample_file_are_documented(self):
        found = set(self.documented())
        name = None
        with open(os.path.join(SOURCE, "conf", "echotimed.ini"), encoding="utf-8") as file:
            for line in file:
                if heading := re.match(r"\[(\w+)", line):
                    name = heading[1]
                elif key := re.match(r"(\w+) +=", line):
                    self.assertIn(f"{name}.{key[1]}", found)

    def test_defaults_are_those_of_the_program(self):
        """What the page calls the default is what an empty file gives."""
        dumped = support.run([ECHOTIMED, "-T", "-c", self.empty_file()]).output.decode()
        name, expected = None, {}
        for line in dumped.splitlines():
            if heading := re.match(r"\[(\w+)\]", line):
                name = heading[1]
            elif key := re.match(r"(\w+) *= ?(.*)", line):
                expected[f"{name}.{key[1]}"] = key[2] or "empty"
        text = shown("echotimed.ini.5")
        told = iter(re.findall(r"Default: (.*?)\. (?:A reload|Only a restart) changes it\.", text))
        for key, default in zip(self.documented(), told, strict=True):
            if key in expected:
                self.assertEqual(default, expected[key], key)
        self.assertGreater(len(expected), 35)

    def empty_file(self):
        file = tempfile.NamedTemporaryFile(prefix="echotimed-", suffix=".ini")
        self.addCleanup(file.close)
        return file.name


class Daemon8(unittest.TestCase):
    def test_options_are_those_of_help(self):
        told = support.run([ECHOTIMED, "--help"]).output.decode()
        helped = re.findall(r"^  (-\w, --[\w-]+(?: [A-Z.=]+)?)  ", told, re.M)
        self.assertGreaterEqual(len(helped), 6)
        documented = re.findall(r"^ +(-\w, --.*)$", section("echotimed.8", "OPTIONS"), re.M)
        self.assertEqual(documented, helped)

    def test_synopsis_is_that_of_help(self):
        told = support.run([ECHOTIMED, "--help"]).output.decode()
        usage = told.splitlines()[0].removeprefix("Usage: ")
        self.assertEqual(section("echotimed.8", "SYNOPSIS").strip(), usage)

    def test_every_service_and_framing_and_format(self):
        for kind, heading in (
            ("service", "SERVICES"),
            ("framing", "FRAMING"),
            ("time-format", "TEXT QUERY"),
        ):
            with self.subTest(kind):
                self.assertEqual(terms(section("echotimed.8", heading)), table(kind))

    def test_what_carries_each_service(self):
        """A service is said to be carried by just what the configuration takes."""
        text = section("echotimed.8", "SERVICES")
        framings = table("framing")
        for service in table("service"):
            told = re.search(rf"^ +{service}\n(.*?)(?=^ {{5,7}}\S|\Z)", text, re.M | re.S)[1]
            told = " ".join(told.split())
            tcp = re.search(r"TCP: ([\w, ]+)[.;]", told)[1]
            for framing in framings:
                good = self.is_good(f"tcp.service={service}", f"tcp.framing={framing}")
                self.assertEqual(tcp == "all framings" or framing in tcp.split(", "), good, service)
            self.assertEqual("UDP: yes" in told, self.is_good(f"udp.service={service}"))

    def is_good(self, *settings):
        options = [word for setting in settings for word in ("-o", setting)]
        return support.run([ECHOTIMED, "-t", *options]).status == 0

    def test_every_reason_in_the_order_of_the_tables(self):
        for kind, heading in (
            ("close-reason", "Close reasons"),
            ("reject-reason", "Reject reasons"),
            ("drop-reason", "Drop reasons"),
        ):
            with self.subTest(kind):
                self.assertEqual(terms(section("echotimed.8", heading)), table(kind))

    def test_every_message_of_the_log(self):
        documented = headings(section("echotimed.8", "Messages"))
        found = messages()
        self.assertGreater(len(found), 20)
        for message, place in found.items():
            if " yet" in message:
                continue  # of something that is not there yet, and says so itself
            told = any(message.startswith(term) for term in documented)
            self.assertTrue(told, f"echotimed(8) does not tell of the message '{message}' of {place}")

    def test_exit_statuses_are_those_of_help(self):
        told = support.run([ECHOTIMED, "--help"]).output.decode()
        statuses = re.findall(r"\b(\d\d?) \w", told[told.index("Exit status") :])
        self.assertEqual(sorted(terms(section("echotimed.8", "EXIT STATUS"))), sorted(statuses))


class Examples(unittest.TestCase):
    def commands(self, name):
        """The lines of a page that show a command, without the prompt."""
        lines = re.findall(r"^ +[$#] (.*)$", shown(name), re.M)
        self.assertGreaterEqual(len(lines), 2)
        return lines

    def test_command_lines_are_good(self):
        """Every echotimed that is shown starting would start: its configuration is good."""
        checked = 0
        for line in self.commands("echotimed.8"):
            if line.startswith("echotimed -") and "&&" not in line:
                done = support.run(["bash", "-c", line.replace("echotimed", f"'{ECHOTIMED}' -t", 1)])
                self.assertEqual(done.status, 0, (line, done.errors))
                checked += 1
        self.assertGreaterEqual(checked, 2)

    def test_file_in_the_description_is_good(self):
        text = section("echotimed.ini.5", "DESCRIPTION")
        sample = text[text.index("[daemon]") :]
        done = support.run([ECHOTIMED, "-t", "-c", self.file(re.sub("^ +", "", sample, flags=re.M))])
        self.assertEqual(done.status, 0, done.errors)

    def test_mistakes_are_told_as_the_page_shows(self):
        lines = re.sub("^ +", "", section("echotimed.ini.5", "MISTAKES"), flags=re.M).splitlines()
        start = next(i for i, line in enumerate(lines) if line.startswith("$ printf"))
        with tempfile.TemporaryDirectory(prefix="echotimed-") as folder:
            script = "\n".join(line.removeprefix("$ ") for line in lines[start : start + 2])
            script = f"cd {folder}\n" + script.replace("echotimed -t", f"'{ECHOTIMED}' -t")
            done = support.run(["bash", "-c", script])
        self.assertEqual(done.status, 78)
        shown_lines = [line for line in lines[start + 2 :] if line]
        self.assertEqual(done.errors.decode().splitlines(), shown_lines)

    def file(self, text):
        file = tempfile.NamedTemporaryFile("w", prefix="echotimed-", suffix=".ini", encoding="utf-8")
        self.addCleanup(file.close)
        file.write(text)
        file.flush()
        return file.name


class Installed(unittest.TestCase):
    def test_pages_are_installed_where_man_finds_them(self):
        with tempfile.TemporaryDirectory(prefix="echotimed-install-") as folder:
            command = ["cmake", "--install", os.environ["ETD_BINARY_DIR"]]
            done = support.run(command, environment={"DESTDIR": folder})
            self.assertEqual(done.status, 0, done.errors)
            roots = [at for at, names, _ in os.walk(folder) if at.endswith("/man") and "man8" in names]
            self.assertEqual(len(roots), 1)
            for path in PAGES:
                name, number = os.path.splitext(os.path.basename(path))
                man = ["man", "-M", roots[0], "-w", number[1:], name]
                self.assertEqual(support.run(man).status, 0, man)


if __name__ == "__main__":
    support.main()
