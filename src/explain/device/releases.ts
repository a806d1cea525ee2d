import { findNamedHost, type NamedHost } from '../../scenario/index.ts';

/** A span of releases in which nothing changes for the mapping of BARs, and a release that stands for the span. */
export interface ReleaseSpan {
  /** The first and the last release, as people say them; no last one for the newest span. */
  readonly from: string;
  readonly to: string | undefined;
  /** The release that the model runs: a version of Linux, or the id of a revision. */
  readonly model: string;
}

/** Linux, by how vfio-pci treats the pages of an MSI-X table (host fact 4.4). */
export const KERNELS: readonly ReleaseSpan[] = [
  { from: '4.8', to: '4.15', model: '4.15' },
  { from: '4.16', to: undefined, model: '6.12' },
];

/** QEMU, by its revisions in the model. */
export const QEMUS: readonly ReleaseSpan[] = [
  { from: '2.11', to: '2.11', model: 'qemu-2.11' },
  { from: '2.12', to: '5.2', model: 'qemu-2.12' },
  { from: '6.0', to: '10.2', model: 'qemu-6.0' },
  { from: '11.0', to: undefined, model: 'qemu-11.1' },
];

export const NEWEST_QEMU = QEMUS.at(-1)!.model;
export const NEWEST_KERNEL = KERNELS.at(-1)!.model;
/** The first Linux, and the first QEMU, between which iommufd maps a BAR for DMA (host facts B1 to B12). */
export const DMA_BUF_KERNEL = '6.19';

/** `2.12 to 10.2`, `6.0 and later`, `any`. */
export function spanText(spans: readonly ReleaseSpan[], all: readonly ReleaseSpan[]): string {
  const [first, last] = [spans[0]!, spans.at(-1)!];
  if (spans.length === all.length) return 'any';
  if (last.to === undefined) return `${first.from} and later`;
  return first.from === last.to ? first.from : `${first.from} to ${last.to}`;
}

/** The hosts on which a device is tried where the user names none: one for each size of page. */
export const HOSTS_BY_PAGE: readonly NamedHost[] = ['server-46', 'arm64-16k', 'arm64-64k'].map((id) =>
  findNamedHost(id)!,
);
