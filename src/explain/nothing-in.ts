import { count } from '../report/index.ts';
import type { CleanLine } from './text/clean-text.ts';

/** The first line that lspci prints of a device. */
const NAME = /^\s*(?:[0-9a-f]{4,8}:)?[0-9a-f]{2}:[01][0-9a-f]\.[0-7]\s/i;
const LSPCI = '`lspci -vv -s ADDRESS`, run as root, prints them with the place of the MSI-X table';

/** Texts of other programs about PCI and memory, by a line that only they have, and what they lack. */
const OTHER_PROGRAMS: readonly (readonly [RegExp, string])[] = [
  [
    /^\s*0x[0-9a-f]{16} 0x[0-9a-f]{16} (?:direct|direct-relaxable|reserved|msi)$/,
    'the text lists reserved ranges of an IOMMU group; give the line of the refused map beside them, with its addresses',
  ],
  [
    /^\s*-?[-\\+|]+(?:\[(?:[0-9a-f]{4,8}:)?[0-9a-f]{2}(?:-[0-9a-f]{2})?\])?-[-+\\]+[0-9a-f]{2}\.[0-7]/i,
    `the text is the tree of \`lspci -t\`, which has neither BARs nor capabilities; ${LSPCI}`,
  ],
  [
    /\bsetpci -/,
    `the text has single registers of \`setpci\`, which show neither the sizes of BARs nor all of the MSI-X capability; ${LSPCI}`,
  ],
  [
    /\bpci [0-9a-f:.]+: (?:(?:VF )?BAR \d+ \[|reg 0x[0-9a-f]+: \[|\[[0-9a-f]{4}:[0-9a-f]{4}\] type)/i,
    `the text is the log of a kernel that found its devices: it has BARs, but no capability, so not where the MSI-X table lies; ${LSPCI}`,
  ],
  [
    /^\s*[0-9a-f]{6,16}-[0-9a-f]{6,16} : /,
    'the text is /proc/iomem, which names no BARs and no capabilities; give `lspci -vv` of the device, run as root',
  ],
  [
    /\bBAR\d: \d\d bit (?:prefetchable )?memory at 0x|^\s*Bus\s+\d+, device\s+\d+, function \d+:/,
    'the text is `info pci` of QEMU, which has the BARs of the guest but no capabilities; `info mtree -f` shows what is mapped of them, and `lspci -vv` on the host the MSI-X table',
  ],
  [
    /\bclass=0x[0-9a-f]+ .*\bhdr=0x|^\s*bar\s+\[[0-9a-f]+\] = type /i,
    'the text is of `pciconf`, which barproof does not read; give `lspci -vv` of pciutils, or the configuration space as bytes',
  ],
  [
    /^\s*bus info: pci@|^\s*resources: (?:irq|ioport|memory):/,
    `the text is of \`lshw\`, which has no capabilities; ${LSPCI}`,
  ],
  [
    /\biommugroup\b|^IOMMU [Gg]roup:? \d+/,
    'the text lists devices by IOMMU group, without their BARs; give `lspci -vv` of the device, run as root',
  ],
  [
    /^[0-9a-f]{8,16}-[0-9a-f]{8,16} [0-9a-f]{16} [-urwx]{3}$/i,
    'the text is `info mem`, the page tables of the guest; `info mtree -f` shows its memory map',
  ],
  [
    /^\s*(?:bus: |dev: )\S+.*(?:, id "|$)|^\s*gpio-in ""/,
    'the text is `info qtree`, which has no memory map; `info mtree -f` shows it',
  ],
  [
    /<hostdev\b|<domain type=/,
    'the text is the XML of libvirt, which has no BARs; give the log of QEMU, or `lspci -vv` of the device on the host',
  ],
];

/** In one sentence: why the text cannot be explained, and what to give instead. */
export function nothingIn(lines: readonly CleanLine[]): string {
  if (lines.every(({ text }) => text.trim() === '')) return 'the text is empty';
  const names = lines.filter(({ text }) => NAME.test(text)).length;
  if (names > 0)
    return `the text names ${count(names, 'device')} without their BARs; \`lspci -vv\`, run as root, prints them`;
  const other = OTHER_PROGRAMS.find(([pattern]) => lines.some(({ text }) => pattern.test(text)));
  return (
    other?.[1] ??
    'the text has no line that barproof explain knows: it reads lspci -v, -vv and -xxx, a device folder of sysfs, info mtree, info mtree -f, error lines of QEMU, libvirt and the kernel, and scenarios'
  );
}
