"""The device behind a vfio-user socket: its regions, and the DMA mappings that QEMU sets up for it."""

import errno
import os
import struct

from config_space import space_after_power_on

ROM_REGION = 6
CONFIG_REGION = 7
REGIONS = 9
READ, WRITE, MMAP, CAPABILITIES = 1, 2, 4, 8
SPARSE_MMAP, MSIX_MAPPABLE = 1, 3
LARGEST_TRANSFER = 1 << 20
# Linux makes no file of 2^63 bytes or more.
LARGEST_FILE = 1 << 62
LARGEST_PAGE = 0x10000
# The largest region that a server built on libvfio-user takes.
LARGEST_MAPPING = 8 << 40


class Refused(Exception):
    """A message that the device answers by an error number."""

    def __init__(self, number):
        super().__init__(os.strerror(number))
        self.number = number


class ServedDevice:
    """The registers of a device and the memory of its BARs."""

    def __init__(self, spec):
        self.spec = spec
        self.bars = {bar["index"]: bar for bar in spec["bars"]}
        self.files = {}
        for index, bar in self.bars.items():
            if bar["mmap"]:
                self.files[index] = os.memfd_create(f"{spec['id']}-bar{index}", os.MFD_CLOEXEC)
                # QEMU maps whole pages, and areas that the device names may end beyond the BAR.
                ends = [
                    int(bar["size"], 16),
                    *(int(at, 16) + int(size, 16) for at, size in bar["areas"] or []),
                ]
                os.ftruncate(
                    self.files[index], min(-(-max(ends) // LARGEST_PAGE) * LARGEST_PAGE, LARGEST_FILE)
                )
        self.reset()

    def reset(self):
        self.config = space_after_power_on(self.spec)

    def close(self):
        for file in self.files.values():
            os.close(file)
        self.files.clear()

    @property
    def interrupts(self):
        """How many interrupts there are of INTx, MSI, MSI-X, error and request."""
        msix = self.spec.get("msix")
        return [0, 0, msix["vectors"] if msix else 0, 1, 1]

    def size_of(self, region):
        if region >= REGIONS:
            raise Refused(errno.EINVAL)
        if region == CONFIG_REGION:
            return 256
        if region == ROM_REGION and "rom" in self.spec:
            return int(self.spec["rom"]["contents"], 16)
        return int(self.bars[region]["size"], 16) if region in self.bars else 0

    def region_info(self, region, room):
        """The reply to DEVICE_GET_REGION_INFO (linux/vfio.h: vfio_region_info), and the file with it."""
        size = self.size_of(region)
        bar = self.bars.get(region)
        flags = READ | WRITE if region == CONFIG_REGION or bar else 0
        if region == ROM_REGION and size > 0:
            flags = READ
        chain = []
        if bar and bar["mmap"]:
            flags |= MMAP
            if bar["areas"] is not None:
                areas = [struct.pack("<QQ", int(at, 16), int(length, 16)) for at, length in bar["areas"]]
                chain.append((SPARSE_MMAP, struct.pack("<II", len(areas), 0) + b"".join(areas)))
            if bar["msixMappable"]:
                chain.append((MSIX_MAPPABLE, b""))
        full = 32 + sum(8 + len(body) for _, body in chain)
        head = (full, flags | (CAPABILITIES if chain else 0), region, 32 if chain else 0, size, 0)
        reply = struct.pack("<IIIIQQ", *head)
        if full > room:
            # QEMU asks again with more room.
            return reply, None
        for number, (identity, body) in enumerate(chain):
            following = len(reply) + 8 + len(body) if number + 1 < len(chain) else 0
            reply += struct.pack("<HHI", identity, 1, following) + body
        return reply, self.files.get(region)

    def read(self, region, offset, count):
        self.check(region, offset, count)
        if region == CONFIG_REGION:
            return self.config.read(offset, count)
        file = self.files.get(region)
        return (os.pread(file, count, offset) if file is not None else b"").ljust(count, b"\0")

    def write(self, region, offset, data):
        self.check(region, offset, len(data))
        if region == CONFIG_REGION:
            self.config.write(offset, data)
        elif region in self.files:
            os.pwrite(self.files[region], data, offset)

    def check(self, region, offset, count):
        if offset + count > self.size_of(region) or count > LARGEST_TRANSFER:
            raise Refused(errno.EINVAL)


class DmaMappings:
    """The mappings of a device, with the rules of a server built on libvfio-user (lib/dma.c)."""

    def __init__(self, most):
        self.most = most
        self.live = {}

    def map(self, iova, size, source):
        """Grants a mapping. `source` is the file behind it, the offset in the file, and the rights."""
        if size > LARGEST_MAPPING:
            return errno.ENOSPC
        if size == 0 or iova + size > 2**64:
            return errno.EINVAL
        if self.live.get(iova) == (size, source):
            return 0
        if any(start < iova + size and iova < start + length for start, (length, _) in self.live.items()):
            return errno.EINVAL
        if len(self.live) >= self.most:
            return errno.EINVAL
        self.live[iova] = (size, source)
        return 0

    def unmap(self, iova, size):
        """Takes a mapping away. No other range than that of one mapping can be taken away."""
        if iova not in self.live or self.live[iova][0] != size:
            return errno.ENOENT
        del self.live[iova]
        return 0
