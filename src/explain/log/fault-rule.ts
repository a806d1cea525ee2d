import { hex } from '../../address/index.ts';
import { reservedRange } from '../limits/map-limit.ts';
import { regionAt } from './find-bar.ts';
import type { LogRule } from './log-finding.ts';

const FAULT =
  /(?:DMAR:? .{0,80}?\[([0-9a-f:]{2,12}\.[0-7])\].{0,80}?(?:fault )?addr (?:0x)?([0-9a-f]+)|(?:([0-9a-f]{2}:[0-9a-f]{2}\.[0-7]): AMD-Vi: .*)?(?:IO_PAGE_FAULT|INVALID_DEVICE_REQUEST)(?:[^\n]*?device=\S*?([0-9a-f]{2}:[0-9a-f]{2}\.[0-7]))?.*?address=(?:0x)?([0-9a-f]+)|event: F_TRANSLATION client: (\S+) .*?iova: (?:0x)?([0-9a-f]+)|(?:Unhandled context fault|unhandled translation fault).*?iova=(?:0x)?([0-9a-f]+))/i;

/** HyperTransport counts in 40 bits. */
const HYPER_TRANSPORT = (1n << 40n) - 1n;

/** A device used an address that the IOMMU does not map. */
export const faultRule: LogRule = {
  id: 'iommu-fault',
  pattern: FAULT,
  explain(match, { dump }) {
    const device = match[1] ?? match[3] ?? match[4] ?? match[6];
    const printed = BigInt(`0x${match[2] ?? match[5] ?? match[7] ?? match[8]!}`);
    // AMD-Vi prints the addresses of HyperTransport with all upper bits set.
    const address =
      match[5] !== undefined && printed >> 40n === 0xff_ffffn ? printed & HYPER_TRANSPORT : printed;
    const region = regionAt(dump, address);
    const reserved = reservedRange(address, address);
    const target =
      region === undefined
        ? dump === undefined
          ? '`info mtree -f` beside this line would tell what lies there in the guest'
          : 'in the dump nothing lies there: the guest’s driver, or a stale descriptor, used a wrong address'
        : `in the dump "${region.name}" lies there${region.deviceMemory ? ': peer-to-peer DMA to a BAR that is not mapped in the IOMMU' : ''}`;
    return {
      severity: 'goes on',
      verdict: 'QEMU goes on; this DMA of the device is lost',
      limit: reserved === undefined ? 'address that is not mapped' : 'reserved range',
      why: [
        `the device used ${hex(address)}, for which the IOMMU has no mapping`,
        ...(reserved === undefined
          ? []
          : [
              `the address lies in ${hex(reserved.start)}-${hex(reserved.end)}, which hosts reserve for ${reserved.name}`,
            ]),
        target,
      ],
      subject: device,
      remedies: {
        guest: ['the driver of the device'],
        qemu: ['the log of QEMU at that moment: was a map refused?'],
      },
    };
  },
};
