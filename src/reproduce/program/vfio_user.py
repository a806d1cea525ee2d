"""A vfio-user server (QEMU docs/interop/vfio-user.rst): one device, one client, a thread of its own."""

import contextlib
import errno
import json
import os
import socket
import struct
import threading

from served_device import LARGEST_TRANSFER, REGIONS, DmaMappings, Refused, ServedDevice

VERSION, DMA_MAP, DMA_UNMAP, GET_INFO, GET_REGION_INFO = 1, 2, 3, 4, 5
GET_IRQ_INFO, SET_IRQS, REGION_READ, REGION_WRITE, RESET = 7, 8, 9, 10, 13
HEADER = struct.Struct("<HHIII")
REPLY, NO_REPLY, ERROR = 0x1, 0x10, 0x20
MOST_DESCRIPTORS = 8
UNMAP_ALL = 2


class Server(threading.Thread):
    """Serves a device of the case at a socket. QEMU can connect as soon as the constructor returns."""

    def __init__(self, path, spec, iommu, watch):
        """`watch` is called before each reply with the number of QEMU's process: QEMU waits for the reply."""
        super().__init__(daemon=True)
        self.identity = spec["id"]
        self.device = ServedDevice(spec)
        self.page_sizes = int(iommu["pageSizes"], 16)
        self.mappings = DmaMappings(iommu["maxMappings"])
        self.watch = watch
        self.disconnected = threading.Event()
        self.failure = None
        self.peer = None
        self._requests = []
        self._client = None
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._listener.bind(path)
            self._listener.listen(1)
        except OSError:
            self.close()
            raise
        self.start()

    def take_requests(self):
        """The DMA requests since the last call: (kind, iova, size, error number)."""
        requests, self._requests = self._requests, []
        return requests

    def close(self):
        for end in (self._listener, self._client):
            if end is not None:
                # Without this, the thread would go on waiting at a socket that is closed.
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
                end.close()
        if self.is_alive():
            self.join(5)
        self.device.close()

    def run(self):
        try:
            self._client, _ = self._listener.accept()
            credentials = self._client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
            self.peer = struct.unpack("iII", credentials)[0]
            while self._answer_next():
                pass
        except OSError:
            pass  # The socket was closed, or QEMU has ended.
        except Exception as error:
            self.failure = error
            if self._client is not None:
                self._client.close()
        finally:
            self.disconnected.set()

    def _answer_next(self):
        """Answers one message. Returns whether the client is still there."""
        descriptors = []
        try:
            header = self._receive(HEADER.size, descriptors)
            if header is None:
                return False
            number, command, size, flags, _ = HEADER.unpack(header)
            payload = self._receive(size - HEADER.size, descriptors)
            if payload is None:
                return False
            try:
                body, file = self._carry_out(command, payload, descriptors)
                failed = 0
            except Refused as refusal:
                body, file, failed = b"", None, refusal.number
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
        self.watch(self)
        if not flags & NO_REPLY:
            kind = REPLY | (ERROR if failed else 0)
            self._send(HEADER.pack(number, command, HEADER.size + len(body), kind, failed) + body, file)
        return True

    def _receive(self, count, descriptors):
        """Reads no further than the end of a message: descriptors come with the bytes that they belong to."""
        data = b""
        while len(data) < count:
            room = MOST_DESCRIPTORS - len(descriptors)
            part, files, _, _ = socket.recv_fds(self._client, count - len(data), room)
            descriptors.extend(files)
            if not part:
                return None
            data += part
        return data

    def _send(self, message, file):
        sent = socket.send_fds(self._client, [message], [file]) if file is not None else 0
        self._client.sendall(message[sent:])

    def _carry_out(self, command, payload, descriptors):
        """Returns the payload of the reply, and the file that goes with it."""
        try:
            return self._answer(command, payload, descriptors)
        except struct.error:
            raise Refused(errno.EINVAL) from None

    def _answer(self, command, payload, descriptors):
        device = self.device
        if command == VERSION:
            return self._version(payload), None
        if command == DMA_MAP:
            self._map(payload, descriptors)
            return b"", None
        if command == DMA_UNMAP:
            self._unmap(payload)
            return payload, None
        if command == GET_INFO:
            return struct.pack(
                "<IIII", 16, 0b11, REGIONS, len(device.interrupts)
            ), None  # can be reset; is PCI
        if command == GET_REGION_INFO:
            room, _, region = struct.unpack_from("<III", payload)
            return device.region_info(region, room)
        if command == GET_IRQ_INFO:
            index = struct.unpack_from("<III", payload)[2]
            if index >= len(device.interrupts):
                raise Refused(errno.EINVAL)
            return struct.pack("<IIII", 16, 1, index, device.interrupts[index]), None
        if command == SET_IRQS:
            return b"", None
        if command == REGION_READ:
            offset, region, count = struct.unpack("<QII", payload)
            return payload + device.read(region, offset, count), None
        if command == REGION_WRITE:
            offset, region, _ = struct.unpack_from("<QII", payload)
            device.write(region, offset, payload[16:])
            return payload[:16], None
        if command == RESET:
            device.reset()
            return b"", None
        raise Refused(errno.EOPNOTSUPP)

    def _version(self, payload):
        minor = struct.unpack_from("<HH", payload)[1]
        capabilities = {
            "max_msg_fds": MOST_DESCRIPTORS,
            "max_data_xfer_size": LARGEST_TRANSFER,
            "pgsizes": self.page_sizes,
            "max_dma_maps": 65535,
        }
        text = json.dumps({"capabilities": capabilities}, separators=(",", ":"))
        return struct.pack("<HH", 0, min(minor, 1)) + text.encode() + b"\0"

    def _map(self, payload, descriptors):
        _, flags, offset, iova, size = struct.unpack("<IIQQQ", payload)
        source = (flags, None)
        if descriptors:
            about = os.fstat(descriptors[0])
            source = (flags, (about.st_dev, about.st_ino, offset))
        self._record("map", iova, size, self.mappings.map(iova, size, source))

    def _unmap(self, payload):
        _, flags, iova, size = struct.unpack("<IIQQ", payload)
        if flags == UNMAP_ALL:
            self.mappings.live.clear()
            failed = 0
        else:
            failed = self.mappings.unmap(iova, size)
        self._record("unmap", iova, size, failed)

    def _record(self, kind, iova, size, failed):
        self._requests.append((kind, iova, size, failed))
        if failed:
            raise Refused(failed)
