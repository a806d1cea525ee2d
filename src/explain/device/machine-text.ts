import { bytes, count, fittedText, shortened, table } from '../../report/index.ts';
import { printable } from '../../input/index.ts';
import type { DeviceAnswer } from './explain-device.ts';

/**
 * Several devices of one machine, for people: one table, the worst first.
 *
 * @param hasDetails whether the text goes on with all of each device.
 * @param program the words by which the user starts barproof.
 */
export function machineText(answers: readonly DeviceAnswer[], hasDetails: boolean, program: string): string {
  const devices = answers.filter(({ device }) => !device.isBridge);
  const bridges = answers.length - devices.length;
  const rows = worstFirst(devices).map((answer) => {
    const { device, pageSizes } = answer;
    return [
      device.address ?? '?',
      printable(shortened(device.title ?? '', 44)),
      ...pageSizes.map((page) => trappedOn(answer, page)),
      answer.relocations?.best ?? (answer.trapping.some(({ isBound }) => isBound) ? '?' : '-'),
      noteOf(answer),
    ];
  });
  const pages = devices[0]?.pageSizes ?? [];
  const heading = ['device', '', ...pages.map((page) => `trapped, ${bytes(page)}`), 'relocation', ''];
  return fittedText([
    `${devices.length} devices, the worst first${bridges > 0 ? `; ${count(bridges, 'bridge')} ${bridges === 1 ? 'is' : 'are'} left out` : ''}`,
    '',
    ...table([heading, ...rows]),
    '',
    'trapped: bytes of the memory BARs that exit to QEMU, newest QEMU and Linux. relocation: the best x-msix-relocation.',
    ...(hasDetails || rows.length === 0 ? [] : detailsOf(rows[0]![0]!, program)),
  ]);
}

/** How to get all of one device. @param address of the worst, or `?` */
const detailsOf = (address: string, program: string): readonly string[] => [
  'All of one device: give its lines alone, as by',
  `lspci -vv -s ${address === '?' ? 'ADDRESS' : address} | ${program} explain -`,
];

/**
 * Devices with which QEMU does not start, then those with the most trapped bytes, then those of which a text does not
 * show how many are trapped.
 */
export const worstFirst = (answers: readonly DeviceAnswer[]): readonly DeviceAnswer[] =>
  answers.toSorted((a, b) => rank(b) - rank(a) || compare(trappedTotal(b), trappedTotal(a)));

function rank(answer: DeviceAnswer): number {
  if (answer.trapping.some(isNewestFailure)) return 3;
  if (answer.trapping.length === 0 || answer.trapping.some(({ isBound }) => isBound)) return 1;
  return trappedTotal(answer) > 0n ? 2 : 0;
}

const isNewestFailure = ({ outcome, qemus }: DeviceAnswer['trapping'][number]): boolean =>
  outcome !== 'ok' && isNewest(qemus);
const isNewest = (span: string): boolean => span === 'any' || span.endsWith('later');

const newestOn = ({ trapping }: DeviceAnswer, page: bigint): DeviceAnswer['trapping'][number] | undefined =>
  trapping.find((row) => row.hostPageSize === page && isNewest(row.kernels) && isNewest(row.qemus));

const trappedTotal = (answer: DeviceAnswer): bigint =>
  answer.pageSizes.reduce((total, page) => total + (newestOn(answer, page)?.trapped ?? 0n), 0n);

function trappedOn(answer: DeviceAnswer, page: bigint): string {
  const row = newestOn(answer, page);
  if (row === undefined) return '?';
  return row.outcome === 'ok' ? trappedSize(row) : 'QEMU stops';
}

/** How many bytes are trapped, as far as it is known: `4 KiB`, `at least 4 KiB`, `?`. */
export function trappedSize({ trapped, isBound }: DeviceAnswer['trapping'][number]): string {
  if (!isBound) return bytes(trapped);
  return trapped === 0n ? '?' : `at least ${bytes(trapped)}`;
}

function noteOf({ device, missing, trapping }: DeviceAnswer): string {
  const failure = trapping.find(isNewestFailure);
  if (failure !== undefined) return shortened((failure.error ?? '').replace(/^vfio \S+: /, ''), 60);
  if (missing.length > 0) return `missing: ${missing[0]!.split(/[:,(]/)[0]!.trim()}`;
  return device.isSilent ? 'does not answer' : '';
}

const compare = (a: bigint, b: bigint): number => (a < b ? -1 : a > b ? 1 : 0);
