/** Texts in the forms that users paste. The devices and machines are invented. */

/** A NIC with a table at the start of a small BAR, as root with -vv. */
export const NIC = `05:00.0 Ethernet controller: Example Corporation Test NIC [1234:5678] (rev 01)
	Subsystem: Example Corporation Test NIC
	Control: I/O- Mem+ BusMaster+ SpecCycle- MemWINV- VGASnoop- ParErr- Stepping- SERR- FastB2B- DisINTx+
	Status: Cap+ 66MHz- UDF- FastB2B- ParErr- DEVSEL=fast >TAbort- <TAbort- <MAbort- >SERR- <PERR- INTx-
	Latency: 0, Cache Line Size: 64 bytes
	Interrupt: pin A routed to IRQ 17
	IOMMU group: 23
	Region 0: Memory at 6004800000 (64-bit, prefetchable) [size=4M]
	Region 4: Memory at 6004c10000 (64-bit, prefetchable) [size=16K]
	Expansion ROM at 80900000 [disabled] [size=512K]
	Capabilities: [40] Power Management version 3
		Flags: PMEClk- DSI+ D1- D2- AuxCurrent=0mA PME(D0+,D1-,D2-,D3hot+,D3cold-)
	Capabilities: [70] MSI-X: Enable+ Count=64 Masked-
		Vector table: BAR=4 offset=00000000
		PBA: BAR=4 offset=00002000
	Capabilities: [160 v1] Single Root I/O Virtualization (SR-IOV)
		Initial VFs: 64, Total VFs: 64, Number of VFs: 0, Function Dependency Link: 00
		Region 0: Memory at 0000000080a00000 (64-bit, non-prefetchable)
		Region 3: Memory at 0000000080b00000 (64-bit, non-prefetchable)
	Kernel driver in use: testnic
	Kernel modules: testnic
`;

/** A disk with -v: no indexes of BARs, no place of the table. */
export const DISK_V = `0000:02:00.0 Non-Volatile memory controller: Example Corporation Test Disk (prog-if 02 [NVM Express])
	Subsystem: Example Corporation Test Disk
	Flags: bus master, fast devsel, latency 0, IRQ 58, NUMA node 0
	Memory at 80500000 (64-bit, non-prefetchable) [size=16K]
	I/O ports at 3000 [size=256]
	Capabilities: [b0] MSI-X: Enable+ Count=33 Masked-
	Kernel driver in use: nvme
`;

export const DENIED = `98:1f.2 Ethernet controller: Example Corporation Test VF (rev 02)
	Control: I/O- Mem- BusMaster- SpecCycle- MemWINV- VGASnoop- ParErr- Stepping- SERR- FastB2B- DisINTx-
	Region 0: Memory at d6e40000 (64-bit, prefetchable) [virtual] [size=128K]
	Region 3: Memory at d81e8000 (64-bit, prefetchable) [virtual] [size=16K]
	Capabilities: <access denied>
	Kernel driver in use: vfio-pci
`;

/** Older pciutils, without sizes. */
export const WITHOUT_SIZES = `03:00.0 Ethernet controller: Example Corporation Old NIC
	Region 0: Memory at c0100000 (32-bit, non-prefetchable)
	Region 2: Memory at be000000 (32-bit, non-prefetchable) [disabled]
	Capabilities: [9c] MSI-X: Enable+ Mask- TabSize=256
		Vector table: BAR=0 offset=0007c000
		PBA: BAR=0 offset=0007d000
`;

export const BRIDGE = `00:1c.0 PCI bridge: Example Corporation Root Port (rev f0) (prog-if 00 [Normal decode])
	Bus: primary=00, secondary=05, subordinate=05, sec-latency=0
	Memory behind bridge: 80900000-809fffff [size=1M]
	Capabilities: [40] Express (v2) Root Port (Slot+), MSI 00
`;

/** A configuration space of 256 bytes with BAR 0 (64 bits, 0x50000000), and MSI-X at 0x50: 9 vectors, BAR 0 + 0x2000. */
export function configBytes(): Uint8Array {
  const bytes = new Uint8Array(256);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, 0x1234, true);
  view.setUint16(2, 0x5678, true);
  view.setUint16(6, 0x0010, true);
  view.setUint32(0x10, 0x5000_000c, true);
  view.setUint8(0x34, 0x50);
  view.setUint8(0x50, 0x11);
  view.setUint16(0x52, 0x8008, true);
  view.setUint32(0x54, 0x2000, true);
  view.setUint32(0x58, 0x3000, true);
  return bytes;
}

/** A configuration space as `lspci -xxx` prints it. */
export const hexRows = (bytes: Uint8Array): string =>
  Array.from({ length: bytes.length / 16 }, (_, row) => {
    const cells = [...bytes.slice(row * 16, row * 16 + 16)].map((byte) => byte.toString(16).padStart(2, '0'));
    return `${(row * 16).toString(16).padStart(2, '0')}: ${cells.join(' ')}`;
  }).join('\n');

/** A tree of QEMU 8 with a passed-through device. */
export const TREE = `address-space: cpu-memory-0
address-space: memory
  0000000000000000-ffffffffffffffff (prio 0, i/o): system
    0000000000000000-000000007fffffff (prio 0, ram): alias ram-below-4g @pc.ram 0000000000000000-000000007fffffff
    0000000000000000-ffffffffffffffff (prio -1, i/o): pci
      0000004800040000-0000004800047fff (prio 1, i/o): 0000:c8:00.0 base BAR 0
        0000004800040000-0000004800047fff (prio 0, i/o): 0000:c8:00.0 BAR 0
          0000004800040000-0000004800047fff (prio 0, ramd): 0000:c8:00.0 BAR 0 mmaps[0]
        0000004800043000-00000048000433ff (prio 0, i/o): msix-table
    00000000000c0000-00000000000c3fff (prio 1, ram): alias pam-rom @pc.ram 00000000000c0000-00000000000c3fff

memory-region: pc.ram
  0000000000000000-000000007fffffff (prio 0, ram): pc.ram

`;

/** The flat view of the same machine. */
export const FLAT = `FlatView #0
 AS "cpu-memory-0", root: system
 AS "memory", root: system
 Root memory region: system
  0000000000000000-00000000000bffff (prio 0, ram): pc.ram KVM
  00000000000c0000-00000000000c3fff (prio 0, rom): pc.ram @00000000000c0000 KVM
  00000000000c4000-000000007fffffff (prio 0, ram): pc.ram @00000000000c4000 KVM
  0000004800040000-0000004800042fff (prio 0, ramd): 0000:c8:00.0 BAR 0 mmaps[0] KVM
  0000004800043000-00000048000433ff (prio 0, i/o): msix-table
  0000004800043400-0000004800047fff (prio 0, ramd): 0000:c8:00.0 BAR 0 mmaps[0] @0000000000003400

`;

/** What mail programs, terminals, trackers and log daemons make of a text, without a change of its meaning. */
export const DISTORTIONS: Readonly<Record<string, (text: string) => string>> = {
  'lines that end with CR LF': (text) => text.replaceAll('\n', '\r\n'),
  'a mail quote': eachLine((line) => `> ${line}`),
  'a quote of a quote': eachLine((line) => `>> ${line}`),
  'a quote that was wrapped at 72': (text) => eachLine((line) => `> ${line}`)(wrapped(text, 72)),
  'lines wrapped at 76': (text) => wrapped(text, 76),
  'lines cut at 80 by a terminal': (text) =>
    text
      .split('\n')
      .flatMap((line) => line.match(/.{1,80}/g) ?? [''])
      .join('\n'),
  'a common indent': eachLine((line) => `      ${line}`),
  'a quote inside an indent': eachLine((line) => `     > ${line}`),
  'trailing blanks': eachLine((line) => `${line}    `),
  'a blank line behind each line': (text) => text.replaceAll('\n', '\n\n'),
  'blanks that do not break': (text) => text.replaceAll(' ', '\u00a0'),
  'HTML entities': (text) =>
    `<pre>${text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')}</pre>`,
  'HTML line breaks': (text) =>
    text.replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('\n', '<br>\n'),
  'quoted-printable': (text) =>
    text
      .replaceAll('=', '=3D')
      .split('\n')
      .flatMap((line) => (line.length > 74 ? [`${line.slice(0, 70)}=`, line.slice(70)] : [line]))
      .join('\n'),
  'numbers of lines': (text) =>
    text
      .split('\n')
      .map((line, index) => `${String(index + 1).padStart(6)}\t${line}`)
      .join('\n'),
  'the prefix of journald': eachLine((line) => `Nov 12 10:11:12 host program[123]: ${line}`),
  'the prefix of syslog with an ISO date': eachLine(
    (line) => `2024-11-12T10:11:12.123456+01:00 host program[123]: ${line}`,
  ),
  'the time of dmesg': eachLine((line) => `[   12.345678] ${line}`),
  colours: eachLine((line) => `\u001b[1;32m${line}\u001b[0m`),
  'prompts of a shell': (text) => `user@host:~$ sudo command\n${text}\nuser@host:~$ `,
  'prompts of the monitor': (text) => `(qemu) info mtree\n${text}\n(qemu) `,
  'a code fence in a letter': (text) =>
    `Hello,\n\nthis is mine:\n\n\`\`\`\n${text}\n\`\`\`\n\nBye\n-- \nMe\n`,
  'a byte order mark': (text) => `\ufeff${text}`,
  'a diff that adds all lines': eachLine((line) => `+${line}`),
  'the time of a chat': eachLine((line) => `10:11:12.345 | ${line}`),
  'the log of a container': eachLine((line) => `2024-11-12T10:11:12.345678901Z stdout F ${line}`),
  'the name of a container': eachLine((line) => `guest-1  | ${line}`),
  'JSON of a program that ran the command': (text) =>
    JSON.stringify({ rc: 0, stdout_lines: text.split('\n') }),
  'line breaks that are spelt out': (text) => text.replaceAll('\n', '\\n').replaceAll('\t', '\\t'),
  'a block of a tracker': (text) => `{code:java}\n${text}\n{code}\n`,
  'a block of BBCode': (text) => `[code]\n${text}\n[/code]\n`,
  'a fence glued to the first and the last line': (text) => `\`\`\`${text.trimEnd()}\`\`\``,
  'a fence inside a quote': (text) => eachLine((line) => `> ${line}`)(`\`\`\`\n${text}\n\`\`\``),
  'zero bytes': (text) => text.replaceAll('\n', '\u0000\n'),
};

function eachLine(change: (line: string) => string): (text: string) => string {
  return (text) => text.split('\n').map(change).join('\n');
}

/** Cuts lines at blanks, as mail programs do; the rest has no indent. */
function wrapped(text: string, width: number): string {
  return text
    .split('\n')
    .flatMap((line) => {
      const parts: string[] = [];
      let rest = line;
      while (rest.length > width) {
        const at = rest.lastIndexOf(' ', width);
        if (at <= 0 || rest.slice(0, at).trim() === '') break;
        parts.push(rest.slice(0, at));
        rest = rest.slice(at + 1);
      }
      return [...parts, rest];
    })
    .join('\n');
}
