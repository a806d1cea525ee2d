"""The configuration space that a device shows to QEMU."""

COMMAND = 0x04
STATUS = 0x06
BAR_0 = 0x10
EXPANSION_ROM = 0x30
ROM_ADDRESS = 0xFFFFF800
ROM_ENABLE = 1
CAPABILITY_POINTER = 0x34
MSIX_CAPABILITY = 0x40
MSIX_ID = 0x11
MSIX_CONTROL = 2
MSIX_ENABLE = 0x8000


class ConfigSpace:
    """The 256 bytes of a function, little-endian (PCI 3.0 section 6.1). Software can write some bits."""

    def __init__(self):
        self.contents = bytearray(256)
        self.writable = bytearray(256)

    def set(self, offset, width, value):
        self.contents[offset : offset + width] = value.to_bytes(width, "little")

    def set_writable(self, offset, width, mask):
        self.writable[offset : offset + width] = mask.to_bytes(width, "little")

    def read(self, offset, count):
        """Bytes from 256 on belong to no capability, and are 0."""
        return bytes(self.contents[offset : offset + count]).ljust(count, b"\0")

    def write(self, offset, data):
        for at, byte in enumerate(data, offset):
            if at < len(self.contents):
                mask = self.writable[at]
                self.contents[at] = (self.contents[at] & ~mask & 0xFF) | (byte & mask)


def space_after_power_on(device):
    """The configuration space of a device of the case."""
    space = ConfigSpace()
    space.set(0x00, 2, device["vendor"])
    space.set(0x02, 2, device["device"])
    space.set(0x08, 1, 1)  # revision
    space.set(0x0A, 2, 0x0880)  # class: base system peripheral, other
    space.set_writable(COMMAND, 2, 0x0547)
    space.set_writable(0x0C, 1, 0xFF)  # cache line size
    space.set_writable(0x3C, 1, 0xFF)  # interrupt line
    for bar in device["bars"]:
        set_bar(space, bar)
    rom = device.get("rom")
    if rom is not None:
        mask = -int(rom["size"], 16) & ROM_ADDRESS
        space.set_writable(EXPANSION_ROM, 4, mask | ROM_ENABLE)
    msix = device.get("msix")
    if msix is not None:
        space.set(STATUS, 2, 0x0010)  # there is a list of capabilities
        space.set(CAPABILITY_POINTER, 1, MSIX_CAPABILITY)
        space.set(MSIX_CAPABILITY, 1, MSIX_ID)
        space.set(MSIX_CAPABILITY + MSIX_CONTROL, 2, msix["vectors"] - 1)
        space.set_writable(MSIX_CAPABILITY + MSIX_CONTROL, 2, 0xC000)  # enable, function mask
        space.set(MSIX_CAPABILITY + 4, 4, msix["tableBar"] | int(msix["tableOffset"], 16))
        space.set(MSIX_CAPABILITY + 8, 4, msix["pbaBar"] | int(msix["pbaOffset"], 16))
    return space


def set_bar(space, bar):
    """Sets the type bits of a BAR. Software can size a BAR whose size is a power of two."""
    register = BAR_0 + 4 * bar["index"]
    size = int(bar["size"], 16)
    space.set(register, 4, bar["typeBits"])
    if size < 16 or size & (size - 1):
        return
    mask = -size & (2**64 - 1)
    space.set_writable(register, 4, mask & 0xFFFFFFFF)
    if bar["is64Bit"] and bar["index"] < 5:
        space.set_writable(register + 4, 4, mask >> 32)
