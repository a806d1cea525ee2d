import { hex } from '../../address/index.ts';
import { bytes, mapOfTrace, type GuestMap, type MapMark } from '../../report/index.ts';
import type { NamedHost } from '../../scenario/index.ts';
import { deviceSpec } from '../device/device-spec.ts';
import type { DeviceAnswer } from '../device/explain-device.ts';
import { leastTrapping } from '../device/least-trapping.ts';
import { likelyMsix } from '../device/likely-msix.ts';
import { NEWEST_KERNEL, NEWEST_QEMU } from '../device/releases.ts';
import { barsSeen, tryDevice, type BarFate, type DeviceTrial } from '../device/try-device.ts';
import type { PastedDevice } from '../lspci/pasted-device.ts';

/** The memory map of a guest with the device, on a host with the newest QEMU. */
export function deviceMap({ device, tableBars }: DeviceAnswer, host: NamedHost): GuestMap {
  const trial = tryDevice(deviceSpec(device, host.hostPageSize), {
    host,
    kernel: NEWEST_KERNEL,
    iommu: host.iommu.types[0]!,
    revision: NEWEST_QEMU,
    relocation: 'off',
  });
  const seen = barsSeen(trial.trace);
  const startOf = (index: number): bigint | undefined => seen.find((bar) => bar.index === index)?.address;
  const marks = trial.bars.flatMap((bar) => trappedMarks(bar, startOf(bar.index)));
  const verb = tableBars.length === 1 ? 'lies' : 'may lie';
  const places = tableBars.flatMap((index) => placeMark(trial, index, startOf(index), verb));
  const map = mapOfTrace(trial.trace, undefined, [...marks, ...places]);
  return {
    ...map,
    // A PBA whose place the text does not show has none in the picture.
    columns: isPbaShown(device)
      ? map.columns
      : map.columns.map((column) => ({
          ...column,
          boxes: column.boxes.filter(({ kind }) => kind !== 'pba'),
        })),
    title: `${device.address ?? 'the device'} on ${host.id} (pages of ${bytes(host.hostPageSize)}), newest QEMU`,
    text:
      trial.outcome === 'ok'
        ? trappedText(device, trial, host)
        : [`QEMU does not start with it: ${trial.error ?? trial.outcome}`],
  };
}

const isPbaShown = ({ msix }: PastedDevice): boolean => msix === undefined || msix.pba !== undefined;

function trappedText(device: PastedDevice, trial: DeviceTrial, host: NamedHost): readonly string[] {
  const { isPlaceKnown, layouts } = likelyMsix(device);
  if (!isPlaceKnown) {
    const { trapped } = leastTrapping({ device: deviceSpec(device, host.hostPageSize), host }, layouts);
    return [
      device.msix === undefined
        ? 'The text does not show whether the device has an MSI-X table. The pages of a table would be trapped; the picture is without them.'
        : 'The place of the MSI-X table is unknown. Its pages are trapped, too: each access there exits to QEMU. The picture is without them.',
      ...(trapped === 0n ? [] : [`At least ${bytes(trapped)} of its memory BARs are trapped.`]),
    ];
  }
  const unknownPba = isPbaShown(device)
    ? []
    : ['The place of the PBA is unknown, so the picture is without it; its pages stay direct.'];
  return trial.trapped === 0n
    ? ['Every byte of its memory BARs is direct: the guest reaches it without an exit.', ...unknownPba]
    : [
        `${bytes(trial.trapped)} of its memory BARs are trapped: each access there exits to QEMU. The outlined bytes share a page with the MSI-X table, or the kernel allows no mmap of them.`,
        ...unknownPba,
      ];
}

const trappedMarks = ({ index, trapped }: BarFate, start: bigint | undefined): readonly MapMark[] =>
  start === undefined
    ? []
    : trapped.slice(0, 4).map((range) => ({
        start: start + range.start,
        end: start + range.end,
        label: `trapped: BAR ${index} ${hex(range.start)}-${hex(range.end - 1n)}, ${bytes(range.end - range.start)}`,
        tone: 'note',
      }));

/** A mark on a BAR that may hold the table. */
function placeMark(
  { bars }: DeviceTrial,
  index: number,
  start: bigint | undefined,
  verb: string,
): readonly MapMark[] {
  const size = bars.find((bar) => bar.index === index)?.size;
  return start === undefined || size === undefined
    ? []
    : [
        {
          start,
          end: start + size,
          label: `the MSI-X table ${verb} somewhere in BAR ${index}: its place is unknown`,
          tone: 'note',
        },
      ];
}
