import { hex } from '../../address/index.ts';
import { bytes } from '../../report/index.ts';
import type { LogRule } from './log-finding.ts';

const UNALIGNED =
  /(vfio_(?:prereg_)?listener_\w+|vfio_listener_valid_section|vhost_vdpa_\w+) received unaligned region(?: (.*?) ?iova=(?:0x)?([0-9a-f]+) offset_within_region=(?:0x)?([0-9a-f]+) (?:qemu_real_host_page_size|page_size)=(?:0x)?([0-9a-f]+))?/;

/** A section whose address and offset in its region differ within a page. */
export const unalignedRule: LogRule = {
  id: 'unaligned-region',
  pattern: UNALIGNED,
  explain(match) {
    const [, , name, address, offset, page] = match;
    const base = {
      severity: 'goes on',
      limit: 'alignment',
      subject: name === undefined || name === '' ? undefined : name,
    } as const;
    if (address === undefined)
      return {
        ...base,
        verdict: 'not fatal: QEMU goes on, and devices cannot reach this region by DMA',
        why: [
          'the address of a region of RAM, and the offset in the region, differ within a host page (before QEMU 6.0: a page of the emulated CPU), so no page of it can be mapped. QEMU 7.1 and later print the region',
        ],
        remedies: {
          qemu: [
            'QEMU 7.1 or later, to see which region it is; nothing, if no device uses it (a TPM’s buffer)',
          ],
        },
      };
    const [at, within, size] = [address, offset, page].map((digits) => BigInt(`0x${digits}`)) as [
      bigint,
      bigint,
      bigint,
    ];
    const isTpm = /tpm/i.test(name ?? '');
    return {
      ...base,
      severity: isTpm ? 'harmless' : 'goes on',
      verdict: isTpm
        ? 'harmless: the buffer of a TPM is no target of DMA; QEMU 7.1 and later do not print it'
        : 'not fatal: QEMU goes on, and devices cannot reach this region by DMA',
      why: [
        `address ${hex(at)} lies ${hex(at % size)} behind a page of ${bytes(size)}, offset ${hex(within)} in the region ${hex(within % size)}: with different remainders no page can be mapped`,
      ],
      remedies: isTpm
        ? {}
        : { guest: ['put the BAR or region on a page boundary'], host: ['a kernel with smaller pages'] },
    };
  },
};
