import type { AddressSpace } from './address-space.ts';
import type { MemoryListener } from './memory-listener.ts';
import type { MemoryRules } from './memory-rules.ts';

/** The listeners of a machine, by ascending priority and then in the order of registration (memory fact 3.2). */
export class ListenerRegistry {
  readonly #listeners: MemoryListener[] = [];
  /** Whether a listener has `regionNop`, and so is notified of every unchanged range in every update (memory fact 2.9). */
  wantUnchanged = false;

  /** Adds a listener, and replays the present view of `space` to it as `registration` says. */
  register(listener: MemoryListener, space: AddressSpace, registration: MemoryRules['registration']): void {
    for (const list of this.#listsOf(space)) {
      const after = list.findIndex((other) => other.priority > listener.priority);
      list.splice(after === -1 ? list.length : after, 0, listener);
    }
    this.#lookForNop();
    replayView(listener, space, registration);
  }

  /** Removes a listener. With `notifiesRemovals` it is first notified that each range of `space` is removed. */
  unregister(listener: MemoryListener, space: AddressSpace, notifiesRemovals: boolean): void {
    if (notifiesRemovals) {
      listener.begin?.();
      for (const range of space.view.ranges) listener.regionDel?.(range);
      listener.commit?.();
    }
    for (const list of this.#listsOf(space)) {
      const index = list.indexOf(listener);
      if (index !== -1) list.splice(index, 1);
    }
    this.#lookForNop();
  }

  /** Calls `begin` of all listeners: an update begins. */
  begin(): void {
    for (const listener of this.#listeners) listener.begin?.();
  }

  /** Calls `commit` of all listeners: the update ends. */
  commit(): void {
    for (const listener of this.#listeners) listener.commit?.();
  }

  /** Tells all listeners that a migration begins. */
  logGlobalStart(): void {
    for (const listener of this.#listeners) listener.logGlobalStart?.();
  }

  #lookForNop(): void {
    this.wantUnchanged = this.#listeners.some((listener) => listener.regionNop !== undefined);
  }

  /** The list of the machine and that of the space: a listener is in both. */
  #listsOf(space: AddressSpace): readonly MemoryListener[][] {
    return [this.#listeners, space.listeners as MemoryListener[]];
  }
}

/**
 * Notifies a listener of all ranges of `space`, as if the listener were registered there now
 * (listener_add_address_space, memory fact 3.5).
 */
export function replayView(
  listener: MemoryListener,
  space: AddressSpace,
  registration: MemoryRules['registration'] = 'complete',
): void {
  if (registration === 'silent') return;
  const complete = registration === 'complete';
  if (complete) listener.begin?.();
  for (const range of space.view.ranges) listener.regionAdd?.(range);
  if (complete) listener.commit?.();
}
