"""The program: runs the case and says what QEMU did."""

import argparse
import os
import shlex
import signal
import sys
import tempfile
import textwrap
import traceback

from case import CASE
from finding import PAGE, Memory, Overwriting, Shown, Verdict, judge_death, judge_hang, judge_refusal
from machine import DeviceRefused, Machine
from qemu import (
    CouldNotRun,
    QemuDied,
    QemuHangs,
    find_qemu,
    require_machine,
    require_vfio_user,
    version_text,
)

DOES_NOT_SHOW, SHOWS, COULD_NOT_RUN = 0, 1, 2
ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# A socket's path has at most 107 bytes. The folder's own name and that of a socket take about 30 of them.
LONGEST_FOLDER = 70


class Interrupted(BaseException):
    """The user, or the system, ends the program."""


def main(words):
    title = CASE["title"].replace("%", "%%")
    options = argparse.ArgumentParser(description=f"Shows on a real QEMU: {title}")
    options.add_argument("--qemu", metavar="PATH", help="the program, or the folder of it (default: PATH)")
    arguments = options.parse_args(words)
    for ending in ENDINGS:
        signal.signal(ending, interrupt)
    try:
        verdict = run(arguments.qemu)
        tell("saw", *verdict.lines)
        said = "shows" if verdict.shows else "does not show"
        tell("result", f"QEMU {said} the finding: {CASE['fingerprint']}")
        return SHOWS if verdict.shows else DOES_NOT_SHOW
    except CouldNotRun as error:
        print(f"could not run: {error}", file=sys.stderr)
        return COULD_NOT_RUN
    except Interrupted:
        print("interrupted: QEMU has ended, and its sockets are removed", file=sys.stderr)
        return COULD_NOT_RUN
    except OSError as error:
        print(f"could not run: this machine refuses: {error}", file=sys.stderr)
        return COULD_NOT_RUN
    except Exception:  # Python would end with 1, which says that QEMU shows the finding.
        traceback.print_exc()
        return COULD_NOT_RUN


def run(named):
    """Runs the case. Returns the verdict; QEMU has ended then, and its folder is removed."""
    if sys.platform != "linux":
        raise CouldNotRun("QEMU has vfio-user on Linux alone")
    wanted = CASE["machine"]["pageSize"]
    if int(wanted, 16) != PAGE:
        raise CouldNotRun(f"the case needs a host with pages of {wanted} bytes, and here they have {PAGE:#x}")
    binary = find_qemu(named, CASE["machine"]["program"])
    require_vfio_user(binary)
    require_machine(binary, CASE["machine"]["arguments"])
    tell("case", CASE["title"])
    tell("rule", CASE["rule"])
    for note in CASE["notes"]:
        tell("note", note)
    tell("qemu", version_text(binary))
    with private_folder() as folder:
        watch = Overwriting(CASE["evidence"]["kind"] == "overwrite")
        machine = Machine(CASE, binary, folder, watch)
        try:
            return carry_out(machine, watch)
        finally:
            machine.end()


def interrupt(number, _):
    """Ends the program by an exception, so that QEMU and its folder go. A second signal changes nothing."""
    for ending in ENDINGS:
        signal.signal(ending, signal.SIG_IGN)
    raise Interrupted(number)


def private_folder():
    """A folder that only this user may enter."""
    place = tempfile.gettempdir()
    is_short = len(os.fsencode(place)) <= LONGEST_FOLDER
    return tempfile.TemporaryDirectory(
        prefix="reproduce-", dir=place if is_short else "/tmp", ignore_cleanup_errors=True
    )


def carry_out(machine, watch):
    """Starts the machine and carries out the operations, up to the step that shows the finding."""
    evidence = CASE["evidence"]
    started = False
    try:
        tell("step 0", "start, with " + (", ".join(CASE["coldPlugged"]) or "no device"))
        machine.launch()
        tell("", shlex.join(machine.qemu.words))
        machine.begin()
        started = True
        machine.settle()
        requests = machine.take_requests()
        for number, operation in enumerate(CASE["operations"], 1):
            if evidence.get("step") == number - 1:
                break
            tell(f"step {number}", operation["text"])
            machine.perform(operation)
            requests = machine.take_requests()
        watch.stop()
        if evidence["kind"] == "memory":
            return Memory(evidence).judge(machine, requests)
        return Verdict(False, ["QEMU carried out all operations."])
    except Shown:
        return Verdict(True, watch.seen)
    except QemuDied as death:
        machine.raise_own_failure()
        if watch.seen is not None:
            return Verdict(True, watch.seen)
        if not started and death.signal is None:
            words = [line for line in death.lines if line.strip() and "warning:" not in line]
            return judge_refusal(evidence, words[-1] if words else death.how, machine.qemu_names)
        return judge_death(evidence, death, machine.qemu_names)
    except DeviceRefused as refusal:
        return judge_refusal(evidence, str(refusal), machine.qemu_names)
    except QemuHangs as hang:
        machine.raise_own_failure()
        return Verdict(True, watch.seen) if watch.seen is not None else judge_hang(evidence, hang)


def tell(label, *lines):
    """Prints lines with a label in front of the first."""
    for number, line in enumerate(printable(line) for line in lines):
        # Text of QEMU keeps its line breaks; long sentences of the case are folded.
        folded = textwrap.wrap(line, 100) if label in ("case", "rule", "note") else [line]
        for place, part in enumerate(folded):
            print(f"{label if number + place == 0 else '':<8}{part}", flush=True)


def printable(line):
    """A line without characters that a terminal would obey, such as those that reverse the text."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in line)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
