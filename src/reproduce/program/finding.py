"""The finding of the case, held to what QEMU does."""

import errno
import os
import re

PAGE = os.sysconf("SC_PAGE_SIZE")


class Shown(Exception):
    """QEMU has shown the finding, and need not run any further."""


class Verdict(Exception):
    """What was seen, and whether it is the finding."""

    def __init__(self, shows, lines):
        super().__init__()
        self.shows = shows
        self.lines = lines


class Overwriting:
    """Looks whether QEMU maps bytes of a BAR beyond its end, where QEMU has reserved no addresses."""

    def __init__(self, is_awaited):
        self._is_awaited = is_awaited
        self.seen = None

    def message(self, server):
        """Looks at the memory map of QEMU, which waits for the reply to its message."""
        if not self._is_awaited or self.seen is not None:
            return
        try:
            with open(f"/proc/{server.peer}/maps", encoding="utf-8", errors="replace") as maps:
                lines = maps.readlines()
        except OSError:
            return  # QEMU has ended.
        for index, bar in server.device.bars.items():
            size = int(bar["size"], 16)
            reserved = -(-size // PAGE) * PAGE
            for line in lines:
                if f"memfd:{server.device.spec['id']}-bar{index}" not in line:
                    continue
                start, end = (int(part, 16) for part in line.split()[0].split("-"))
                offset = int(line.split()[2], 16)
                if offset + end - start > reserved:
                    self.seen = [
                        f"QEMU maps bytes {offset:#x} to {offset + end - start - 1:#x} of BAR {index} "
                        f"at {start:#x}.",
                        f"The BAR has {size:#x} bytes, and QEMU reserves {reserved:#x} bytes of addresses.",
                        "QEMU has replaced whatever memory of its own lay behind them.",
                    ]

    def stop(self):
        if self.seen is not None:
            raise Shown


def clean(line, names):
    """A line of QEMU with the case's names of devices, and without what differs from run to run."""
    line = re.sub(r"^(\S+: )-device (?:\{.*?\}\}?|\S+?): ", r"\1", line)
    line = re.sub(r"vfio-user:(\w+)", lambda found: names.get(found[1], found[0]), line)
    return re.sub(r"\bObject 0x[0-9a-f]{6,}", "Object 0xPOINTER", line)


def judge_death(evidence, death, names):
    """QEMU has died: is it the death of the case?"""
    lines = [clean(line, names) for line in death.lines if line.strip()]
    seen = [f"QEMU died: {death.how}", *lines[-5:]]
    if evidence["kind"] != "death":
        return Verdict(False, seen)
    signals, words = evidence["signals"], evidence["words"]
    shows = death.signal is not None if signals is None else death.signal in signals
    if words is not None:
        shows = shows and any(re.search(words, line) for line in lines)
    return Verdict(shows, seen)


def judge_refusal(evidence, words, names):
    """QEMU has refused a device, or ended with a message before it took commands."""
    return Verdict(evidence["kind"] == "refusal", ["QEMU refuses the device:", clean(words, names)])


def judge_hang(evidence, hang):
    return Verdict(evidence["kind"] == "hang", [str(hang)])


def overlaps(start, size, at):
    return start < at[1] and at[0] < start + size


class Memory:
    """Compares memory map and DMA requests with those of the case, at the addresses of the finding."""

    def __init__(self, evidence):
        self._evidence = evidence
        self._at = [int(end, 16) for end in evidence["at"]]

    def judge(self, machine, requests):
        evidence = self._evidence
        pairs = [
            (f"memory map at {self._span()}", evidence["ranges"], self._ranges(machine)),
            ("DMA requests of this step there", evidence["requests"], self._requests(requests)),
            ("DMA mappings there afterwards", evidence["mappings"], self._mappings(machine)),
        ]
        lines = []
        for title, expected, seen in pairs:
            lines += [f"{title}:", *(f"  {line}" for line in seen or ["none"])]
            if seen != expected:
                lines += ["  the case says:", *(f"  {line}" for line in expected or ["none"])]
        return Verdict(all(expected == seen for _, expected, seen in pairs), lines)

    def _span(self):
        return f"[{self._at[0]:#x}, {self._at[1] - 1:#x}]"

    def _ranges(self, machine):
        """The lines of `info mtree -f` that meet the addresses."""
        text = machine.qemu.monitor("info mtree -f")
        for view in re.split(r"^FlatView #\d+\s*$", text, flags=re.MULTILINE):
            if re.search('^ AS "memory", root', view, re.MULTILINE):
                found = re.findall(r"^  (([0-9a-f]{16})-([0-9a-f]{16}) .*?)(?: KVM)*\s*$", view, re.MULTILINE)
                return [
                    clean(line, machine.qemu_names)
                    for line, start, last in found
                    if overlaps(int(start, 16), int(last, 16) + 1 - int(start, 16), self._at)
                ]
        return []

    def _requests(self, requests):
        return [
            f"{device} {kind} {iova:#x} {size:#x} {errno.errorcode.get(failed, 'granted')}"
            for device, (kind, iova, size, failed) in requests
            if overlaps(iova, size, self._at)
        ]

    def _mappings(self, machine):
        return [
            f"{identity} {iova:#x} {size:#x}"
            for identity, device in sorted(machine.devices.items())
            for iova, (size, _) in sorted(device.server.mappings.live.items())
            if overlaps(iova, size, self._at)
        ]
