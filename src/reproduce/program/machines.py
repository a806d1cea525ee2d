"""What differs between machines: how the CPU reaches configuration space, and how a guest ejects a device."""

import re

from qemu import CouldNotRun

SUFFIX = {1: "b", 2: "w", 4: "l", 8: "q"}


class PortAccess:
    """PCs: the address goes to port 0xcf8, the data to port 0xcfc (PCI 3.0 section 3.2.2.3.2)."""

    def __init__(self, qemu):
        self._qemu = qemu

    def read(self, bus, slot, register, width):
        self._select(bus, slot, register)
        return self._qemu.qtest(f"in{SUFFIX[width]} {0xCFC + (register & 3):#x}")[0]

    def write(self, bus, slot, register, width, value):
        self._select(bus, slot, register)
        self._qemu.qtest(f"out{SUFFIX[width]} {0xCFC + (register & 3):#x} {value:#x}")

    def _select(self, bus, slot, register):
        self._qemu.qtest(f"outl 0xcf8 {0x80000000 | bus << 16 | slot << 11 | register & ~3:#x}")


class MemoryAccess:
    """virt: memory-mapped configuration space (PCI Express 3.0 section 7.2.2)."""

    def __init__(self, qemu):
        self._qemu = qemu
        found = re.search(
            r"([0-9a-f]{16})-[0-9a-f]{16} \(prio .*pcie-(?:ecam|mmcfg)", qemu.monitor("info mtree")
        )
        if found is None:
            raise CouldNotRun("the machine has no memory-mapped configuration space")
        self._base = int(found[1], 16)

    def read(self, bus, slot, register, width):
        return self._qemu.qtest(f"read{SUFFIX[width]} {self._place(bus, slot, register)}")[0]

    def write(self, bus, slot, register, width, value):
        self._qemu.qtest(f"write{SUFFIX[width]} {self._place(bus, slot, register)} {value:#x}")

    def _place(self, bus, slot, register):
        return f"{self._base + (bus << 20 | slot << 15 | register):#x}"


class RtasAccess:
    """pseries: calls to RTAS (LoPAPR 7.3.1). Arguments and results are cells of 32 bits in guest RAM."""

    ARGUMENTS, RESULTS = 0x100000, 0x100100
    # The first PCI host bridge.
    BUID = (0x08000000, 0x20000000)

    def __init__(self, qemu):
        self._qemu = qemu

    def read(self, bus, slot, register, width):
        self.call("ibm,read-pci-config", (bus << 16 | slot << 11 | register, *self.BUID, width), 2)
        return self._qemu.qtest(f"readl {self.RESULTS + 4:#x}")[0] & (1 << 8 * width) - 1

    def write(self, bus, slot, register, width, value):
        self.call("ibm,write-pci-config", (bus << 16 | slot << 11 | register, *self.BUID, width, value), 1)

    def call(self, name, cells, results, may_fail=False):
        for number, cell in enumerate(cells):
            self._qemu.qtest(f"writel {self.ARGUMENTS + 4 * number:#x} {cell:#x}")
        line = f"rtas {name} {len(cells)} {self.ARGUMENTS:#x} {results} {self.RESULTS:#x}"
        called, status = self._qemu.qtest(line, f"readl {self.RESULTS:#x}")
        if (called or status & 0xFFFFFFFF) and not may_fail:
            raise CouldNotRun(f"RTAS {name} fails with status {status}")


ACCESS = {"pc": PortAccess, "q35": PortAccess, "virt": MemoryAccess, "pseries": RtasAccess}

BRIDGE_SLOT = 0x1E
# Pages of PCI windows for the registers of the bridge's hot-plug controller.
CONTROLLER_PLACES = {
    "q35": (0xFDAB0000, 0xC7FDAB0000, 0x9FFDAB0000),
    "virt": (0x3CAB0000, 0xC7FDAB0000, 0x9FFDAB0000),
}
PAGE = 0x10000


def eject(machine_type, qemu, config, slot, bars):
    """Does the guest's part of an unplug. `bars` are the addresses that BARs decode: (start, end)."""
    if machine_type == "pc":
        # The firmware's method _EJ0 (hw/acpi/pcihp.c): selects bus 0, and then the slots to eject.
        qemu.qtest("outl 0xae10 0x0", f"outl 0xae08 {1 << slot:#x}")
    elif machine_type == "pseries":
        # Isolates the connector of the slot (hw/ppc/spapr_drc.c). QEMU may have removed the device already.
        config.call("set-indicator", (9001, 0x40000000 | slot << 3, 0), 1, may_fail=True)
    else:
        eject_behind_bridge(machine_type, qemu, config, slot, bars)


def eject_behind_bridge(machine_type, qemu, config, slot, bars):
    """Powers the slot off, as a driver of the bridge's hot-plug controller does (SHPC 1.0, 4.10)."""

    def is_free(page):
        return not any(start < page + PAGE and page < end for start, end in bars)

    places = CONTROLLER_PLACES[machine_type]
    # Between the two writes of its BAR the controller lies at the upper half of the address alone.
    place = next((page for page in places if is_free(page) and is_free(page >> 32 << 32)), places[0])
    config.write(0, BRIDGE_SLOT, 0x14, 4, place >> 32)
    config.write(0, BRIDGE_SLOT, 0x10, 4, place & 0xFFFFFFFF)
    qemu.qtest(f"writew {place + 0x14:#x} {slot << 8 | 0b111111:#x}")
    config.write(0, BRIDGE_SLOT, 0x10, 4, 0)
    config.write(0, BRIDGE_SLOT, 0x14, 4, 0)


def open_bridge_windows(config, bus):
    """Lets the hot-plug bridge pass all memory addresses on (PCI-to-PCI Bridge 1.2, section 3.2)."""
    for register, width, value in (
        (0x18, 4, bus << 16 | bus << 8),  # bus numbers
        (0x20, 4, 0xFFF00000),  # 0 to 4 GiB - 1
        (0x24, 4, 0xFFF10001),  # 4 GiB to 2^64 - 1
        (0x28, 4, 1),
        (0x2C, 4, 0xFFFFFFFF),
        (0x04, 2, 0b111),
    ):
        config.write(0, BRIDGE_SLOT, register, width, value)
