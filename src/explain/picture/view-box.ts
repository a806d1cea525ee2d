import type { ViewRange } from '../../model/index.ts';
import type { MapBox } from '../../report/index.ts';

/** A range of a flat view, as a picture shows the range. */
export const viewBox = ({ start, end, name, type }: ViewRange): MapBox => ({
  start,
  end,
  label: `${name} (${type})`,
  kind: type === 'ramd' ? 'mmap' : type === 'ram' || type === 'rom' ? 'ram' : 'trapped',
});
