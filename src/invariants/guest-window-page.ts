import { greater, type Size } from '../address/index.ts';
import type { Trace } from '../trace/index.ts';

/** The page of the window at address 0 that each guest of pseries has from its reset on (vfio fact 7.5). In bytes. */
const DEFAULT_WINDOW_PAGE: Size = 1n << 12n;

/**
 * The page in which the guest maps memory in its DMA window at `start`, in bytes: what it has asked for since the last reset
 * (vfio fact 7.6), of several requests the largest, as the machine may refuse one. `undefined` if it has asked for no window.
 *
 * @param step index of the last step that counts.
 */
export function guestWindowPage({ steps }: Trace, start: bigint, step: number): Size | undefined {
  if (start === 0n) return DEFAULT_WINDOW_PAGE;
  let page: Size | undefined;
  for (const { operation } of steps.slice(0, step + 1)) {
    if (operation.op === 'reset') page = undefined;
    if (operation.op === 'create-dma-window') page = greater(page ?? 0n, operation.pageSize);
  }
  return page;
}
