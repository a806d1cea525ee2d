"""The machine of the case: QEMU, the devices that are served to it, and the operations of guest and user."""

import json
import os
import time

from config_space import (
    BAR_0,
    CAPABILITY_POINTER,
    COMMAND,
    EXPANSION_ROM,
    MSIX_CONTROL,
    MSIX_ENABLE,
    MSIX_ID,
    ROM_ADDRESS,
    ROM_ENABLE,
)
from machines import ACCESS, SUFFIX, eject, open_bridge_windows
from qemu import Qemu, QemuHangs, QmpRefusal
from vfio_user import Server

FIRST_SLOT = 2
# The number by which scenarios and query-pci name the expansion ROM.
ROM_SLOT = 6
LAST_ADDRESS = (1 << 64) - 1
# What query-pci says of a BAR that QEMU does not map (hw/pci/pci.h).
UNMAPPED = -1
UNPLUG_SECONDS = 10
# How long a QEMU that refused a device is watched: it may die of the refusal.
AFTERMATH_SECONDS = 0.5


class DeviceRefused(Exception):
    """QEMU refuses to plug a device in. The text is QEMU's."""


class Plugged:
    """A device in the machine."""

    def __init__(self, spec, qemu_id, server, bus, slot):
        self.spec = spec
        self.qemu_id = qemu_id
        self.server = server
        self.bus = bus
        self.slot = slot

    def bar(self, index):
        return next((bar for bar in self.spec["bars"] if bar["index"] == index), None)


class Machine:
    """A running machine. `end` ends QEMU and the servers."""

    def __init__(self, case, binary, folder, watch):
        """`watch` is told of each message to a device, and called while an answer is awaited."""
        self._case = case
        self._machine = case["machine"]
        self._folder = folder
        self._watch = watch
        self._specs = {spec["id"]: spec for spec in case["devices"]}
        self._slot = FIRST_SLOT
        self._hot_plugged = 0
        self._servers = []
        self.devices = {}
        self.qemu_names = {}
        self.qemu = None
        self._binary = binary

    def launch(self):
        """Starts QEMU with the devices that are there from the start."""
        words = list(self._machine["arguments"])
        at_once = [] if self._machine["plugsLate"] else self._case["coldPlugged"]
        for number, identity in enumerate(at_once):
            device = self._offer(identity, f"c{number}")
            words += ["-device", json.dumps(device_arguments(device, self._machine["bus"]["name"]))]
        self.qemu = Qemu(self._binary, words, self._folder, self._watch.stop)

    def begin(self):
        """Waits until QEMU takes commands. Plugs in the devices that QEMU cannot be started with."""
        self.qemu.negotiate()
        self._config = ACCESS[self._machine["type"]](self.qemu)
        self._open_bridge()
        for identity in self._case["coldPlugged"] if self._machine["plugsLate"] else []:
            self._hotplug({"device": identity})

    def end(self):
        if self.qemu is not None:
            self.qemu.end()
        for server in self._servers:
            server.close()

    def perform(self, operation):
        """Carries out an operation of the case."""
        getattr(self, "_" + operation["op"].replace("-", "_"))(operation)
        self.settle()

    def settle(self):
        """Returns once QEMU has the replies to its DMA requests: only then does it answer the monitor."""
        self.qemu.execute("query-status")
        self.raise_own_failure()

    def raise_own_failure(self):
        """Otherwise a fault of a server here would look like one of QEMU."""
        for server in self._servers:
            if server.failure is not None:
                raise server.failure

    def take_requests(self):
        """The DMA requests since the last call, also of a device that has left: (device, request)."""
        taken = [(server.identity, request) for server in self._servers for request in server.take_requests()]
        return sorted(taken, key=lambda one: one[0])

    def qemu_pci(self):
        """The functions by their ids, in the words of query-pci."""
        found = {}

        def look(devices):
            for function in devices:
                found[function["qdev_id"]] = function
                look(function.get("pci_bridge", {}).get("devices", []))

        for bus in self.qemu.execute("query-pci"):
            look(bus["devices"])
        return found

    def _offer(self, identity, qemu_id):
        spec = self._specs[identity]
        server = Server(os.path.join(self._folder, qemu_id), spec, self._case["iommu"], self._watch.message)
        self._servers.append(server)
        device = Plugged(spec, qemu_id, server, self._machine["bus"]["number"], self._slot)
        self._slot += 1
        self.devices[identity] = device
        self.qemu_names[qemu_id] = spec["name"]
        return device

    def _hotplug(self, operation):
        device = self._offer(operation["device"], f"d{self._hot_plugged}")
        self._hot_plugged += 1
        try:
            self.qemu.execute("device_add", device_arguments(device, self._machine["bus"]["name"]))
        except QmpRefusal as refusal:
            raise self.qemu.death(AFTERMATH_SECONDS) or DeviceRefused(str(refusal)) from None

    def _unplug(self, operation):
        device = self.devices[operation["device"]]
        self.qemu.forget_events()
        self.qemu.execute("device_del", {"id": device.qemu_id})
        bars = [
            (region["address"] & LAST_ADDRESS, (region["address"] & LAST_ADDRESS) + region["size"])
            for function in self.qemu_pci().values()
            for region in function["regions"]
            if region["type"] == "memory" and region["address"] != UNMAPPED
        ]
        eject(self._machine["type"], self.qemu, self._config, device.slot, bars)
        self._wait_for_removal(device)
        del self.devices[operation["device"]]

    def _wait_for_removal(self, device):
        """Waits until QEMU has released the device. QEMU never does once `info mtree -f` has shown it."""
        end = time.monotonic() + UNPLUG_SECONDS
        while device.qemu_id in self.qemu_pci():
            if time.monotonic() > end:
                raise QemuHangs(f"QEMU does not remove {device.spec['id']}")
            time.sleep(0.01)
        while not device.server.disconnected.wait(0.01):
            # A QEMU that dies of the release says so here.
            self.settle()
            if time.monotonic() > end:
                raise QemuHangs(f"QEMU does not close the connection to {device.spec['id']}")

    def _reset(self, _):
        self.qemu.forget_events()
        self.qemu.execute("system_reset")
        self.qemu.event(lambda event: event.get("event") == "RESET", "the event RESET")
        self._open_bridge()

    def _open_bridge(self):
        if self._machine["isBridged"]:
            open_bridge_windows(self._config, self._machine["bus"]["number"])

    def _read(self, device, register, width):
        return self._config.read(device.bus, device.slot, register, width)

    def _write(self, device, register, width, value):
        self._config.write(device.bus, device.slot, register, width, value)

    def _set_bit(self, device, register, bit, on):
        value = self._read(device, register, 2)
        self._write(device, register, 2, value | bit if on else value & ~bit)

    def _set_bar(self, operation):
        device = self.devices[operation["device"]]
        register = BAR_0 + 4 * operation["bar"]
        address = int(operation["address"], 16)
        self._write(device, register, 4, address & 0xFFFFFFFF)
        bar = device.bar(operation["bar"])
        if bar is not None and bar["is64Bit"]:
            self._write(device, register + 4, 4, address >> 32)

    def _set_rom(self, operation):
        value = int(operation["address"], 16) & ROM_ADDRESS
        device = self.devices[operation["device"]]
        self._write(device, EXPANSION_ROM, 4, value | ROM_ENABLE if operation["enabled"] else value)

    def _size_bar(self, operation):
        device = self.devices[operation["device"]]
        bar = device.bar(operation["bar"])
        probe = int(operation["probe"], 16) if "probe" in operation else None
        if operation["bar"] == ROM_SLOT:
            # The enable bit stays as it is, as in Linux (PCI_ROM_ADDRESS_MASK).
            ones = ROM_ADDRESS | self._read(device, EXPANSION_ROM, 4) & ROM_ENABLE
            register = EXPANSION_ROM
        else:
            ones = 0xFFFFFFFF
            register = BAR_0 + 4 * operation["bar"]
        self._size_register(device, register, ones if probe is None else probe)
        if bar is not None and bar["is64Bit"]:
            self._size_register(device, register + 4, 0xFFFFFFFF)

    def _size_register(self, device, register, probe):
        before = self._read(device, register, 4)
        self._write(device, register, 4, probe)
        self._read(device, register, 4)
        self._write(device, register, 4, before)

    def _enable_memory(self, operation):
        self._set_bit(self.devices[operation["device"]], COMMAND, 2, operation["op"] == "enable-memory")

    _disable_memory = _enable_memory

    def _enable_msix(self, operation):
        device = self.devices[operation["device"]]
        position = self._msix_position(device)
        if position is not None:
            self._set_bit(device, position + MSIX_CONTROL, MSIX_ENABLE, operation["op"] == "enable-msix")

    _disable_msix = _enable_msix

    def _msix_position(self, device):
        position = self._read(device, CAPABILITY_POINTER, 1)
        for _ in range(48):
            if position < 0x40:
                return None
            header = self._read(device, position, 2)
            if header & 0xFF == MSIX_ID:
                return position
            position = header >> 8 & 0xFC
        return None

    def _mask_vector(self, operation):
        device = self.devices[operation["device"]]
        position = self._msix_position(device)
        if position is None:
            return
        locator = self._read(device, position + 4, 4)
        base = self._address_of(device, locator & 7)
        if base is not None:
            gpa = base + (locator & ~7) + 16 * operation["vector"] + 12
            self.qemu.qtest(f"writel {gpa:#x} {int(operation['masked'])}")

    def _access_bar(self, operation):
        base = self._address_of(self.devices[operation["device"]], operation["bar"])
        if base is None:
            return
        width = operation["width"]
        gpa = base + int(operation["offset"], 16)
        if operation["write"]:
            self.qemu.qtest(f"write{SUFFIX[width]} {gpa:#x} {(1 << 8 * width) - 1:#x}")
        else:
            self.qemu.qtest(f"read{SUFFIX[width]} {gpa:#x}")

    def _address_of(self, device, index):
        """The address at which the CPU reaches a memory BAR, or nothing while QEMU does not map it."""
        regions = self.qemu_pci().get(device.qemu_id, {}).get("regions", [])
        region = next((region for region in regions if region["bar"] == index), None)
        if region is None or region["type"] != "memory" or region["address"] == UNMAPPED:
            return None
        address = region["address"] & LAST_ADDRESS
        is_low = 0x80000000 <= address < 1 << 32
        return address + (int(self._machine["lowWindowOffset"], 16) if is_low else 0)


def device_arguments(device, bus):
    """The arguments of `device_add`."""
    socket = {"type": "unix", "path": device.qemu_id}
    return {
        "driver": "vfio-user-pci",
        "socket": socket,
        "id": device.qemu_id,
        "bus": bus,
        "addr": f"{device.slot:#x}",
    }
