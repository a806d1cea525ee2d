import { hex, type Size } from '../address/index.ts';
import type { State } from '../trace/index.ts';
import type { VmmEvent } from '../vfio/index.ts';
import { forgetClosed } from './forget-closed.ts';
import type { Examination } from './invariant.ts';

/**
 * The memory that each sPAPR container has registered. The host pins it and counts it against RLIMIT_MEMLOCK until it is
 * unregistered or the container is closed (host facts G5 and R3.6.1), and registers no byte twice (host fact G7). So a
 * container that has more of it than the guest has RAM holds RAM that is gone.
 */
export class MemoryRegistrations {
  readonly #examination: Examination;
  /** Sizes in bytes by host address, by container. */
  readonly #registered = new Map<string, Map<bigint, Size>>();

  constructor(examination: Examination) {
    this.#examination = examination;
  }

  event(event: VmmEvent): void {
    if (event.type !== 'register-memory' && event.type !== 'unregister-memory') return;
    const { container, hostAddress, size, errno } = event;
    if (errno !== 0) return;
    const registered = this.#registered.get(container) ?? new Map<bigint, Size>();
    this.#registered.set(container, registered);
    if (event.type === 'register-memory') registered.set(hostAddress, size);
    else registered.delete(hostAddress);
  }

  /** Compares what containers hold with the RAM of the guest. */
  check({ flatView, containers }: State): void {
    forgetClosed(this.#registered, containers);
    if (this.#registered.size === 0) return;
    const ram = sum(
      flatView.filter(({ region }) => region.kind === 'ram').map(({ start, end }) => end - start),
    );
    for (const [name, registered] of this.#registered) {
      this.#examination.exercised++;
      const held = sum(registered.values());
      if (held <= ram) continue;
      this.#examination.violate(
        'registration-left',
        () =>
          `${name} has ${hex(held)} bytes of memory registered, and the guest has ${hex(ram)} bytes of RAM`,
      );
    }
  }
}

function sum(sizes: Iterable<Size>): Size {
  let total = 0n;
  for (const size of sizes) total += size;
  return total;
}
