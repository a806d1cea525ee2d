"""A QEMU process, driven over QMP and qtest."""

import contextlib
import json
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import time

ANSWER_SECONDS = 20
# How long the end of a QEMU may take whose sockets are closed, or that was killed.
END_SECONDS = 10


class CouldNotRun(Exception):
    """The case cannot be run here."""


class QemuDied(Exception):
    """QEMU has ended. `how` is the signal or the exit status, `lines` is what QEMU printed."""

    def __init__(self, code, lines):
        # A shell in front of QEMU tells the signal by a status above 128.
        number = -code if code < 0 else code - 128
        known = number in {one.value for one in signal.Signals}
        self.signal = signal.Signals(number).name if code != 0 and known else None
        self.how = f"signal {self.signal}" if self.signal else f"exit status {code}"
        self.lines = lines
        super().__init__(f"QEMU ended with {self.how}")


class QemuHangs(Exception):
    """QEMU does not answer."""


class QmpRefusal(Exception):
    """QEMU refused a QMP command. The text is QEMU's."""


class LineSocket:
    """A UNIX socket to which QEMU connects once. Both sides send lines of text."""

    def __init__(self, path):
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket = None
        self._rest = b""
        self._lines = []
        self._listener.bind(path)
        self._listener.listen(1)

    def wait(self):
        """Takes what arrives within a tenth of a second. Raises EOFError once QEMU has closed the socket."""
        if not select.select([self._socket or self._listener], [], [], 0.1)[0]:
            return
        if self._socket is None:
            self._socket, _ = self._listener.accept()
            return
        try:
            data = self._socket.recv(1 << 16)
        except ConnectionError:
            data = b""
        if not data:
            raise EOFError
        *whole, self._rest = (self._rest + data).split(b"\n")
        self._lines += [line.decode("utf-8", "replace").strip() for line in whole]

    @property
    def connected(self):
        return self._socket is not None

    def take_line(self):
        return self._lines.pop(0) if self._lines else None

    def send(self, text):
        # The next answer, which does not come, says that QEMU has ended.
        with contextlib.suppress(ConnectionError):
            self._socket.sendall(text.encode() + b"\n")

    def close(self):
        for end in (self._socket, self._listener):
            if end is not None:
                end.close()


class Qemu:
    """A QEMU that runs no guest: `-accel qtest`. Its process group ends with `end`."""

    def __init__(self, binary, arguments, folder, stop):
        """`stop` is called while an answer is awaited. It may raise an exception to wait no longer."""
        self._stop = stop
        self._output = os.path.join(folder, "output")
        self._events = []
        self._sockets = []
        self._process = None
        try:
            for name in ("qmp", "qtest"):
                self._sockets.append(LineSocket(os.path.join(folder, name)))
            self._qmp, self._qtest = self._sockets
            self.words = [
                *(binary, "-accel", "qtest", "-nodefaults", "-display", "none"),
                # QEMU runs in the folder: in a path it would take a comma as the end of the path.
                *("-qmp", "unix:qmp", "-qtest", "unix:qtest", "-qtest-log", "none"),
                *(["-run-with", "exit-with-parent=on"] if version_of(binary) >= (10, 2) else []),
                *arguments,
            ]
            with open(self._output, "wb") as output:
                self._process = subprocess.Popen(
                    # A core file would hold all guest RAM.
                    ["/bin/sh", "-c", 'ulimit -c 0; exec "$0" "$@"', *self.words],
                    cwd=folder,
                    env={**os.environ, "LC_ALL": "C"},
                    start_new_session=True,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                )
        except BaseException:
            self.end()
            raise

    def negotiate(self):
        """Waits until QEMU takes commands."""
        self._await(lambda: self._qmp.connected, self._qmp, "the start of QEMU")
        self._next(self._qmp, "the greeting of QMP")
        self.execute("qmp_capabilities")
        self._await(lambda: self._qtest.connected, self._qtest, "the start of qtest")

    def execute(self, command, arguments=None):
        """Sends a QMP command. Returns the answer."""
        message = {"execute": command} if arguments is None else {"execute": command, "arguments": arguments}
        self._qmp.send(json.dumps(message))
        while True:
            answer = json.loads(self._next(self._qmp, f"QMP {command}"))
            if "return" in answer:
                return answer["return"]
            if "error" in answer:
                raise QmpRefusal(answer["error"]["desc"])
            self._events.append(answer)

    def monitor(self, line):
        """The text that the human monitor prints."""
        return self.execute("human-monitor-command", {"command-line": line})

    def event(self, matches, what, seconds=ANSWER_SECONDS):
        """Waits for an event of QEMU, which may have come already."""
        end = time.monotonic() + seconds
        while not any(matches(event) for event in self._events):
            self._events.append(json.loads(self._next(self._qmp, what, end - time.monotonic())))

    def forget_events(self):
        self._events.clear()

    def qtest(self, *lines):
        """Carries out lines of qtest (system/qtest.c). Returns the number in each answer, 0 for none."""
        values = []
        for line in lines:
            self._qtest.send(line)
            verdict, *words = self._next(self._qtest, f"qtest {line}").split()
            while verdict == "IRQ":
                verdict, *words = self._next(self._qtest, f"qtest {line}").split()
            if verdict != "OK":
                raise CouldNotRun(f"qtest refuses {line!r}: {' '.join([verdict, *words])}")
            values.append(int(words[0], 0) if words else 0)
        return values

    def death(self, seconds):
        """The end of QEMU, or nothing where QEMU still runs after so many seconds."""
        try:
            code = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        with open(self._output, encoding="utf-8", errors="replace") as output:
            return QemuDied(code, output.read().splitlines())

    def end(self):
        """Kills QEMU and all that it has started, and closes the sockets. May be called again."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        for end in self._sockets:
            end.close()

    def _next(self, end, what, seconds=ANSWER_SECONDS):
        found = []

        def has_come():
            line = end.take_line()
            if line is not None:
                found.append(line)
            return bool(found)

        self._await(has_come, end, what, seconds)
        return found[0]

    def _await(self, condition, end, what, seconds=ANSWER_SECONDS):
        deadline = time.monotonic() + seconds
        while not condition():
            self._stop()
            try:
                end.wait()
            except EOFError:
                raise self.death(END_SECONDS) or QemuHangs(what) from None
            if not end.connected and self._process.poll() is not None:
                raise self.death(END_SECONDS)
            if time.monotonic() > deadline:
                raise QemuHangs(f"QEMU did not answer for {seconds:.0f} s: {what}")


def find_qemu(named, program):
    """The path of `qemu-system-*`: in the folder or at the path that the user named, or in PATH."""
    found = shutil.which(program)
    if named is not None:
        path = os.path.abspath(named)
        found = shutil.which(os.path.join(path, program) if os.path.isdir(path) else path)
    if found is None:
        raise CouldNotRun(f"{program} was not found in {named or 'PATH'}; name its folder with --qemu")
    return os.path.abspath(found)


def version_text(binary):
    """The first line of `--version`: QEMU emulator version 11.1.3 (...)."""
    return output_of(binary, "--version").stdout.partition("\n")[0].strip()


def output_of(binary, *words, typed=""):
    """What the program prints. `typed` is what it reads."""
    try:
        return subprocess.run(
            [binary, *words],
            input=typed,
            capture_output=True,
            text=True,
            timeout=ANSWER_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise CouldNotRun(f"{binary} does not start: {error}") from None


def version_of(binary):
    """The release as two numbers: (11, 1)."""
    text = version_text(binary)
    found = re.search(r"version (\d+)\.(\d+)", text)
    if found is None:
        raise CouldNotRun(f"{binary} is no QEMU: its --version says {text!r}")
    return int(found[1]), int(found[2])


def require_vfio_user(binary):
    """Refuses a QEMU that cannot connect to a vfio-user server."""
    if output_of(binary, "-device", "vfio-user-pci,help").returncode != 0:
        raise CouldNotRun(f"{version_text(binary) or binary} has no device vfio-user-pci; QEMU 10.1 has it")


def require_machine(binary, arguments):
    """Refuses a QEMU that cannot start the machine alone: its words would count as a device refused."""
    typed = '{"execute": "qmp_capabilities"} {"execute": "quit"}'
    words = ["-accel", "qtest", "-nodefaults", "-display", "none", "-qmp", "stdio", *arguments]
    result = output_of(binary, *words, typed=typed)
    if result.returncode != 0:
        said = [line for line in result.stderr.split("\n") if line.strip() and "warning:" not in line]
        why = said[0] if said else f"exit code {result.returncode}"
        raise CouldNotRun(f"{binary} does not start the machine without the device: {why}")
