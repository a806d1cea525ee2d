import { hex } from '../../address/index.ts';
import { bytes } from '../../report/index.ts';
import { widthOf } from '../limits/map-limit.ts';
import { limitsOf } from './dma-map-limits.ts';
import { remediesFor } from './dma-map-remedies.ts';
import { regionAt } from './find-bar.ts';
import type { LogRule } from './log-finding.ts';
import { CONSEQUENCES } from './map-consequences.ts';

const WIDTH = /iommu width \((\d+)\) is not sufficient for the mapped address \((?:0x)?([0-9a-f]+)\)/i;

/** The kernel's line about an address above the width of the IOMMU. */
const iommuWidthRule: LogRule = {
  id: 'iommu-width',
  pattern: WIDTH,
  explain(match, context) {
    const bits = Number(match[1]);
    const last = BigInt(`0x${match[2]}`);
    const region = regionAt(context.dump, last);
    return {
      severity: 'depends',
      verdict: 'depends: the kernel refused a map; the line of QEMU says of what',
      limit: 'IOMMU width',
      why: [`${hex(last)} needs ${widthOf(last)} bits, and the IOMMU of the host translates ${bits}`],
      subject: region === undefined ? undefined : `${region.name}, by the dump`,
      remedies: {
        qemu: [
          `a guest CPU with at most ${bits} bits (-cpu …,host-phys-bits-limit=${bits}), so that BARs lie lower`,
        ],
      },
    };
  },
};

const OUTSIDE =
  /[Cc]ontainer (?:0x[0-9a-f]+|\(nil\)) can't map guest IOVA region (?:0x)?([0-9a-f]+)\.\.(?:0x)?([0-9a-f]+)/;

/** No IOMMU translates fewer than 32 bits. */
const NARROWEST_END = 1n << 32n;

/** QEMU before 9.0, and on POWER: the range lies outside of what the kernel lists as usable (vfio fact 7.3). */
const outsideWindowRule: LogRule = {
  id: 'outside-window',
  pattern: OUTSIDE,
  explain(match, context) {
    const start = BigInt(`0x${match[1]}`);
    const size = BigInt(`0x${match[2]}`) - start + 1n;
    const request = { iova: start, size, hostAddress: undefined, deviceMemory: false };
    const region = regionAt(context.dump, start);
    const isPower = context.signs.architecture === 'power';
    const guesses = isPower
      ? []
      : limitsOf(request, context).filter(
          ({ limit }) => limit === 'IOMMU width' || limit === 'reserved range',
        );
    const limit = isPower
      ? 'DMA window'
      : guesses.length === 0
        ? start + size <= NARROWEST_END
          ? 'reserved range, or IOVA ranges of the container'
          : 'IOMMU width, or reserved range'
        : guesses.map((guess) => guess.limit).join(', or ');
    // Below 1 MiB no firmware places a BAR.
    const memory =
      region === undefined
        ? start < 1n << 20n
          ? 'RAM'
          : 'RAM or a BAR'
        : region.deviceMemory
          ? 'BAR'
          : 'RAM';
    return {
      ...(memory === 'BAR'
        ? {
            severity: 'goes on',
            verdict: 'not fatal since QEMU 2.12: QEMU goes on without peer-to-peer DMA to this BAR',
          }
        : CONSEQUENCES[memory]),
      limit,
      why: [
        `QEMU did not ask the kernel: ${hex(start)}-${hex(start + size - 1n)} (${bytes(size)}) is not within one range of IOVAs that the container has`,
        ...(isPower
          ? ['on POWER the window of 32 bits begins at 0 and is 1 or 2 GiB large']
          : guesses.length === 0 && start + size <= NARROWEST_END
            ? [
                'the width is not at fault: every IOMMU translates 32 bits. The host reserves the range, or what answers for the IOMMU (a server of vfio-user, or a driver) reports other ranges, or none',
              ]
            : guesses.map((guess) => guess.why)),
      ],
      subject: region === undefined ? undefined : `${region.name}, by the dump`,
      remedies: isPower
        ? { qemu: ['less RAM within the window; or a host with dynamic DMA windows (spapr-tce-v2)'] }
        : remediesFor(limit, memory, start, context),
      request: { what: 'DMA map', iova: start, size },
    };
  },
};

const NOT_WHOLE =
  /Region "([^"]*)" (?:0x)?([0-9a-f]+) size=(?:0x)?([0-9a-f]+) is not aligned to (?:0x)?([0-9a-f]+) and cannot be mapped for DMA/;

/** A piece of a BAR that is not made of whole pages of the IOMMU: QEMU 2.12 and later do not map the piece. */
const notWholePagesRule: LogRule = {
  id: 'not-whole-pages',
  pattern: NOT_WHOLE,
  explain(match, context) {
    const [start, size, page] = match.slice(2).map((digits) => BigInt(`0x${digits}`)) as [
      bigint,
      bigint,
      bigint,
    ];
    const parts = [
      ...(start % page === 0n ? [] : [`the address ${hex(start)}`]),
      ...(size % page === 0n ? [] : [`the size ${hex(size)}`]),
    ];
    return {
      severity: 'goes on',
      verdict: 'not fatal: QEMU goes on, and other assigned devices cannot reach these bytes by DMA',
      limit: 'alignment',
      subject: match[1],
      why: [`${parts.join(' and ')}: no multiple of ${bytes(page)}, the smallest page of the IOMMU`],
      remedies: remediesFor('alignment', 'BAR', start, context),
      request: { what: 'DMA map', iova: start, size },
    };
  },
};

export const ADDRESS_RULES: readonly LogRule[] = [iommuWidthRule, outsideWindowRule, notWholePagesRule];
