"""A machine of the test's own: systemd as process 1, in namespaces, over the host's files.

    with Machine() as machine:
        machine.install(build_folder)
        machine.run("systemctl start echotimed")
        with machine.socket(socket.AF_INET, socket.SOCK_STREAM) as client: ...

It needs root. Nothing that happens in it reaches the host: files go to a tmpfs, processes live in a
PID namespace, the network is a loopback of its own. It ends with `close`, or with the test process,
however that ends.
"""

import atexit
import collections
import contextlib
import ctypes
import glob
import os
import shlex
import signal
import socket
import subprocess
import tempfile
import threading
import uuid

from .waiting import DEADLINE, wait_until

# Of a machine's folder and control group, before the process that owns it.
PREFIX = "echotimed-machine-"
SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "systemd_machine.sh")
CLONE_NEWNET = 0x40000000
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8",
               "TERM": "dumb", "SYSTEMD_PAGER": "cat", "SYSTEMD_COLORS": "0"}

Result = collections.namedtuple("Result", "status output errors")
"""Of a command: its exit status, and what it wrote to standard output and standard error."""


class MachineError(Exception):
    """The machine, or a command that had to succeed in it, failed."""


def require_root():
    if os.geteuid() != 0:
        raise MachineError("booting a machine needs root: run this test as root")


def left_on_host(owner):
    """What the machines of the process `owner` have on the host now: folders, control groups,
    mounts. Running ones have some, closed ones none."""
    require_root()
    prefix = f"{PREFIX}{owner}-"
    found = glob.glob(os.path.join(tempfile.gettempdir(), prefix + "*"))
    # The host need not have mounted the control groups anywhere, so that is done for the look.
    look = 'mount -t cgroup2 cgroup2 "$1" && find "$1" -maxdepth 1 -name "$2*"'
    with tempfile.TemporaryDirectory() as folder:
        listed = subprocess.run(["unshare", "--mount", "sh", "-c", look, "sh", folder, prefix],
                                capture_output=True, text=True, check=True)
    found += listed.stdout.replace(folder, "cgroup2:").split()
    with open("/proc/mounts", encoding="utf-8") as mounts:
        found += [line for line in mounts if prefix in line]
    return found


def remove(folder):
    """Removes a machine's control group and its folder. False while processes are in it."""
    # The folder is used once more as a place to mount on, in a mount namespace that ends with it.
    command = ('mount -t cgroup2 cgroup2 "$1" && cd "$1" && { [ ! -d "$2" ] || '
               'find "$2" -depth -type d -exec rmdir {} +; }')
    if subprocess.run(["unshare", "--mount", "sh", "-c", command, "sh", folder,
                       os.path.basename(folder)], stderr=subprocess.DEVNULL,
                      check=False).returncode != 0:
        return False
    with contextlib.suppress(FileNotFoundError):  # another machine's sweep was quicker
        os.rmdir(folder)
    return True


def sweep():
    """Removes what machines left whose owner was killed."""
    for folder in glob.glob(os.path.join(tempfile.gettempdir(), PREFIX + "*")):
        owner = os.path.basename(folder)[len(PREFIX):].split("-")[0]
        if not os.path.exists(f"/proc/{owner}"):
            remove(folder)


class Machine:
    def __init__(self, timeout=60, system=None):
        """Boots; returns when systemd is up. `timeout` is in seconds. `system`: a folder with a whole
        Debian in it, which is booted as it is, and changed by what happens, in place of the host's
        files."""
        require_root()
        sweep()
        self._name = f"{PREFIX}{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self._folder = os.path.join(tempfile.gettempdir(), self._name)
        os.mkdir(self._folder, 0o700)
        self._system = system
        self._console = tempfile.TemporaryFile()
        self._process = None
        self.init = None
        atexit.register(self.close)
        try:
            self._boot(timeout)
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _boot(self, timeout):
        # Every step but the last replaces its process, so that the one we started is the one whose
        # child is the machine's process 1: setpriv ties it to our life, unshare ties process 1 to it.
        command = ["setpriv", "--pdeathsig", "KILL",
                   "unshare", "--mount", "--net", "--uts", "--ipc",
                   "sh", SCRIPT, "prepare", self._folder, self._name, self._system or ""]
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self._console,
                                         stderr=subprocess.STDOUT, start_new_session=True)
        self.wait_for("the machine's process 1 is systemd", self._find_init, timeout)
        self.wait_for("systemd has booted", self._is_up, timeout)

    def _find_init(self):
        if self._process.poll() is not None:
            raise MachineError("the machine did not start:\n" + self.console())
        pid = self._process.pid
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as children:
            found = children.read().split()
        if not found:
            return False
        try:
            with open(f"/proc/{found[0]}/comm", encoding="ascii") as comm:
                if comm.read().strip() != "systemd":
                    return False
        except (FileNotFoundError, ProcessLookupError):
            return False
        self.init = int(found[0])
        return True

    def _is_up(self):
        if self._process.poll() is not None:
            raise MachineError("the machine died while booting:\n" + self.console())
        return self.run("systemctl is-system-running").output.strip() in ("running", "degraded")

    def console(self):
        """What the set-up and systemd itself wrote."""
        self._console.seek(0)
        return self._console.read().decode(errors="replace")

    def close(self):
        """Ends every process of the machine and removes all that is left of it."""
        atexit.unregister(self.close)
        if self._process is not None:
            # The end of a process 1 ends its whole namespace, and with it the mounts.
            if self._process.poll() is None:
                os.kill(self.init or self._process.pid, signal.SIGKILL)
            self._process.wait(30)
            self._process = None
            self.init = None
        self._console.close()
        if os.path.isdir(self._folder):
            wait_until(lambda: remove(self._folder), "the machine's control group is empty")

    def wait_for(self, what, condition, timeout=DEADLINE):
        """As wait_until; a failure shows the machine's journal."""
        try:
            return wait_until(condition, what, timeout)
        except AssertionError as failure:
            raise MachineError(f"{failure}\n{self._evidence()}") from None

    def _evidence(self):
        if self.init is None or self._process is None:
            return ""
        return self.console() + self.journal()

    def run(self, command, check=False, timeout=60, stdin=b""):
        """Runs a command in the machine: a list, or a string for its shell. With `check`, a status
        other than 0 raises MachineError."""
        shell = ["sh", "-c", command] if isinstance(command, str) else list(command)
        enter = ["nsenter", "--target", str(self.init), "--mount", "--uts", "--ipc", "--net",
                 "--pid", "--cgroup", "--root", "--wd", "--"]
        done = subprocess.run(enter + shell, input=stdin, capture_output=True, timeout=timeout,
                              env=ENVIRONMENT, check=False)
        result = Result(done.returncode, done.stdout.decode(errors="replace"),
                        done.stderr.decode(errors="replace"))
        if check and result.status != 0:
            text = command if isinstance(command, str) else shlex.join(command)
            raise MachineError(f"`{text}` ended with {result.status}:\n{result.output}"
                               f"{result.errors}\n{self.journal()}")
        return result

    def path(self, path):
        """The host's path of a file in the machine."""
        return f"/proc/{self.init}/root{path}"

    def write_file(self, path, text):
        os.makedirs(os.path.dirname(self.path(path)), exist_ok=True)
        with open(self.path(path), "w", encoding="utf-8") as file:
            file.write(text)

    def install(self, build_folder):
        """Installs a build of this project as `cmake --install` does."""
        done = subprocess.run(["cmake", "--install", build_folder], capture_output=True, text=True,
                              env=dict(os.environ, DESTDIR=self.path("")), check=False)
        if done.returncode != 0:
            raise MachineError(f"cmake --install failed:\n{done.stdout}{done.stderr}")
        self.run("systemctl daemon-reload", check=True)

    def show(self, unit, name):
        """A property of a unit, as a string."""
        return self.run(["systemctl", "show", "--property", name, "--value", unit],
                        check=True).output.strip()

    def journal(self, unit=None):
        """The messages of a unit, or of all, a line each."""
        command = ["journalctl", "--quiet", "--no-pager", "--output=short-precise"]
        if unit is not None:
            command += ["--output=cat", f"_SYSTEMD_UNIT={unit}"]
        self.run("journalctl --sync")
        return self.run(command).output

    def socket(self, *arguments):
        """A socket of the machine's network. Takes what socket.socket takes."""
        made = []

        # A thread can be in another network namespace, and a socket stays where it was made.
        def make():
            libc = ctypes.CDLL(None, use_errno=True)
            namespace = os.open(f"/proc/{self.init}/ns/net", os.O_RDONLY)
            if libc.setns(namespace, CLONE_NEWNET) == 0:
                made.append(socket.socket(*arguments))
            os.close(namespace)

        thread = threading.Thread(target=make)
        thread.start()
        thread.join()
        if not made:
            raise MachineError("cannot open a socket in the machine's network")
        return made[0]
