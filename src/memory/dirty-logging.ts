import type { AddressSpace } from './address-space.ts';
import type { ListenerRegistry } from './listener-registry.ts';
import type { MemoryRegion } from './memory-region.ts';
import type { MemoryRules } from './memory-rules.ts';

/**
 * Whether the pages of a region are logged while a migration runs: all RAM that is part of a migration, ROM included
 * (memory_region_get_dirty_log_mask, memory fact 3.7). Memory of devices and protected memory are not.
 */
export const isLoggable = ({ kind, isProtected }: Pick<MemoryRegion, 'kind' | 'isProtected'>): boolean =>
  (kind === 'ram' || kind === 'rom-device') && !isProtected;

/** The logging of pages that the guest or devices write, as a migration asks for (memory fact 3.7). */
export class DirtyLogging {
  isOn = false;
  readonly #spaces: readonly Pick<AddressSpace, 'view' | 'listeners'>[];
  readonly #listeners: Pick<ListenerRegistry, 'begin' | 'commit' | 'logGlobalStart'>;
  readonly #rules: Pick<MemoryRules, 'notifiesLogging'>;

  constructor(
    spaces: readonly Pick<AddressSpace, 'view' | 'listeners'>[],
    listeners: Pick<ListenerRegistry, 'begin' | 'commit' | 'logGlobalStart'>,
    rules: Pick<MemoryRules, 'notifiesLogging'>,
  ) {
    this.#spaces = spaces;
    this.#listeners = listeners;
    this.#rules = rules;
  }

  /**
   * Begins or ends the logging (memory_global_dirty_log_start and _stop). Listeners are told of every range of RAM, and no
   * range changes. Not inside a transaction.
   */
  set(isOn: boolean): void {
    if (this.isOn === isOn) return;
    this.isOn = isOn;
    if (!this.#rules.notifiesLogging(isOn ? 'start' : 'stop')) return;
    if (isOn) this.#listeners.logGlobalStart();
    this.#listeners.begin();
    for (const space of this.#spaces) notify(space, isOn);
    this.#listeners.commit();
  }
}

/** log_start comes in the order of additions, log_stop in that of removals (memory fact 3.2). */
function notify({ view, listeners }: Pick<AddressSpace, 'view' | 'listeners'>, isOn: boolean): void {
  if (listeners.length === 0) return;
  const ordered = isOn ? listeners : listeners.toReversed();
  for (const range of view.ranges) {
    if (!isLoggable(range.region)) continue;
    for (const listener of ordered) {
      if (isOn) listener.logStart?.(range);
      else listener.logStop?.(range);
    }
  }
}
