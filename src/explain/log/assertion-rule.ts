import { deviceIn } from './line-subject.ts';
import type { LogMeaning, LogRule } from './log-finding.ts';

/** What `assert` of the C library and `g_assert` of glib print. */
const ASSERTION =
  /([\w./+-]+\.(?:c|h|cpp|cc|rs)):\d+:(?: ?(\w+):)? ?(?:Assertion [`'"](.*?)['"`] failed|assertion failed:? ?\(?(.*?)\)?$|code should not be reached|(?:unhandled|unexpected) )/;
const VERDICT = 'fatal: QEMU ends (abort, SIGABRT)';

type Known = Pick<LogMeaning, 'limit' | 'why' | 'remedies'>;

/** Assertions that people report, by the function and a part of the expression. */
const KNOWN: readonly (readonly [RegExp, RegExp, Known])[] = [
  [
    /^pci_register_bar$/,
    /power_of_2|size ?- ?1/,
    {
      limit: 'size of the BAR',
      why: [
        'the size of a BAR is no power of two. QEMU takes the size that the host reports; hardware has no other sizes, but a vfio-user server, a vendor driver (mdev), or a device that answers all ones may report one',
      ],
      remedies: {
        host: [
          '`lspci -vv` of the device: sizes of its regions; a device that answers all ones needs a reset or a cold start',
          'report the size to the vendor driver or server',
        ],
      },
    },
  ],
  [
    /^pci_register_bar$/,
    /region_num|r->size|hdr_type|!.*size/,
    {
      limit: 'BAR that is taken twice',
      why: ['two parts of QEMU register the same BAR of one device, for example behind an x-msix-relocation'],
      remedies: { qemu: ['another x-msix-relocation, or none; report it to QEMU'] },
    },
  ],
  [
    /^memory_region_del_subregion$/,
    /container/,
    {
      limit: 'fault of QEMU: a region is removed from a container that does not hold it',
      why: [
        'a device is unplugged or fails to start, and QEMU removes a region of its BARs or its MSI-X table twice. QEMU 11.1 does so when a vfio-user device with MSI-X is unplugged',
      ],
      remedies: { qemu: ['no hot-unplug of this device; report it to QEMU with `info mtree` from before'] },
    },
  ],
  [
    /^memory_region_(?:add_subregion\w*|update_container_subregions)$/,
    /container|alias/,
    {
      limit: 'fault of QEMU: a region is put into the memory map twice',
      why: ['a region that is in the map already is mapped again, so one BAR would stand at two addresses'],
      remedies: { qemu: ['report it to QEMU with `info mtree` from before'] },
    },
  ],
  [
    /^memory_region_(?:finalize|unref|ref|transaction_commit|transaction_begin)$|^flatview_\w+$|^do_address_space_destroy$/,
    /.*/,
    {
      limit: 'fault of QEMU: the order in which regions are released',
      why: ['a device goes away while its regions are still in the memory map, or outside of a transaction'],
      remedies: { qemu: ['a newer release; report it to QEMU with `info mtree` from before'] },
    },
  ],
  [
    /^int128_get64$/,
    /.*/,
    {
      limit: 'size of a region: 2^64',
      why: [
        'a region of 2^64 bytes, or one that ends above 2^64, reached a function that counts in 64 bits: a vIOMMU over the whole address space, or a BAR at the very top while the guest sizes it',
      ],
      remedies: {
        guest: ['memory decoding off while BARs are sized'],
        qemu: ['a newer release of QEMU; `info mtree -f` of the moment before shows the region'],
      },
    },
  ],
  [
    /^phys_section_add$/,
    /sections_nb/,
    {
      limit: 'number of sections of a memory map',
      why: [
        'the map has more sections than a page has bytes (4096): very many small regions, such as BARs cut into pieces',
      ],
      remedies: { qemu: ['fewer devices with regions below a page, or fewer pieces of virtio-mem'] },
    },
  ],
  [
    /^msix_(?:table|pba)_mmio_\w+$|^msix_\w+$/,
    /.*/,
    {
      limit: 'MSI-X table',
      why: [
        'the guest or QEMU used an MSI-X vector or an entry of the table that the device does not have: a table that shrank in a reset or a migration, or an access of a wrong size',
      ],
      remedies: { host: ['`lspci -vv`: MSI-X Count, table and PBA; explain reads it'] },
    },
  ],
  [
    /^(?:pci_irq_handler|pci_set_irq|pci_device_route_intx_to_irq|pcibus_reset|pci_change_irq_level)$/,
    /.*/,
    {
      limit: 'interrupt pin (INTx); no address is at fault',
      why: ['QEMU got an interrupt pin that a device cannot have, or a pin that is still raised at a reset'],
      remedies: { host: ['`lspci -vv`: "Interrupt: pin"; a device that answers all ones has no valid pin'] },
    },
  ],
  [
    /^pcie?_add_capability\w*$/,
    /.*/,
    {
      limit: 'PCI capability',
      why: [
        'a capability of the device does not fit in configuration space, or is linked where no capability can be',
      ],
      remedies: { host: ['`lspci -vv -xxxx` shows the capabilities as the device has them'] },
    },
  ],
];

/** The part of QEMU in which an assertion stands. */
const PARTS: readonly (readonly [RegExp, string])[] = [
  [/vfio|iommufd/, 'VFIO'],
  [/hw\/pci|pci/, 'PCI'],
  [/memory|physmem|exec\.c|int128/, 'the memory map'],
  [/kvm/, 'KVM'],
  [/iommu|smmu/, 'the vIOMMU'],
];

/** QEMU, or a program like it, ended itself because something was not as its code expects. */
export const assertionRule: LogRule = {
  id: 'assertion',
  pattern: ASSERTION,
  explain: (match) => {
    const [, file, name = '', first, second] = match;
    const expression = first ?? second ?? '';
    const known = KNOWN.find(([names, words]) => names.test(name) && words.test(expression))?.[2];
    const part = PARTS.find(([files]) => files.test(file!) || files.test(name))?.[1];
    return {
      severity: 'fatal',
      verdict: VERDICT,
      subject: deviceIn(match.input),
      ...(known ?? {
        limit: part === undefined ? 'none of VFIO, PCI or memory' : `fault of QEMU in its code for ${part}`,
        why: [
          part === undefined
            ? `the assertion stands in ${file}, which maps no BARs`
            : `${name === '' ? file : name} met a state that it holds to be impossible; barproof does not know this assertion`,
        ],
        remedies: {
          qemu: ['a backtrace (coredumpctl gdb), `info mtree` from before, and the release, for a report'],
        },
      }),
    };
  },
};

/** The kernel's line about a program that ended by a signal. */
export const segfaultRule: LogRule = {
  id: 'segfault',
  pattern:
    /(?:qemu|kvm)[\w.:/ -]{0,60}\[\d+\](?:: segfault at| general protection)|(?:qemu|kvm)\S{0,40} .{0,200}(?:Segmentation fault|Bus error) \(core dumped\)/i,
  explain: () => ({
    severity: 'fatal',
    verdict: 'fatal: QEMU ended by a signal',
    limit: 'fault of QEMU; the line does not say of which part',
    why: [
      'SIGSEGV: QEMU used memory that is not its own. SIGBUS on a BAR: QEMU read an mmap whose device was off, asleep or gone',
    ],
    remedies: { qemu: ['a backtrace (coredumpctl gdb) and the release, for a report'] },
  }),
};
