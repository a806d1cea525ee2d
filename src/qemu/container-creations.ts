import type { OpenContainer } from '../kernel/index.ts';
import { toJsonLine } from '../scenario/index.ts';
import type { VmmEvent } from '../vfio/index.ts';

/** What QEMU asked of a container when it made the container. */
interface Creation {
  readonly events: readonly VmmEvent[];
  /** The mappings afterwards, as text. */
  readonly mappings: string;
}

/**
 * The containers of a process that serves one scenario after the other. The first device makes a container, and QEMU maps
 * all RAM; the devices of later scenarios join the same container. Each scenario is shown the requests that it would have
 * seen as the first one. What QEMU prints is not shown again: much of it QEMU prints once in a process anyway.
 */
export class ContainerCreations {
  readonly #creations = new Map<OpenContainer, Creation>();
  /** The containers that the present scenario has seen. */
  #seen = new Set<OpenContainer>();

  /** Whether each container holds the mappings with which it was made, and no others. */
  get areAsMade(): boolean {
    return [...this.#creations].every(([container, { mappings }]) => mappingsOf(container) === mappings);
  }

  /**
   * Begins a scenario.
   *
   * @param open the containers that are left of earlier scenarios.
   * @param seen those of them that the scenario has seen already.
   */
  restart(open: readonly OpenContainer[], seen: readonly OpenContainer[]): void {
    for (const container of this.#creations.keys())
      if (!open.includes(container)) this.#creations.delete(container);
    this.#seen = new Set(seen);
  }

  /**
   * The events of a step as the first scenario would have seen them.
   *
   * @param containers those that the scenario's devices are in.
   */
  complete(events: readonly VmmEvent[], containers: readonly OpenContainer[]): readonly VmmEvent[] {
    let all = events;
    for (const container of containers) {
      if (this.#seen.has(container)) continue;
      this.#seen.add(container);
      const creation = this.#creations.get(container);
      if (creation === undefined) {
        this.#creations.set(container, {
          events: firstOf(events, container),
          mappings: mappingsOf(container),
        });
      } else {
        all = [...creation.events, ...all];
      }
    }
    return all;
  }
}

/** QEMU makes a container, with all mappings, before it mmaps anything of the device. */
function firstOf(events: readonly VmmEvent[], { name }: OpenContainer): readonly VmmEvent[] {
  const end = events.findIndex(({ type }) => type === 'mmap');
  return events
    .slice(0, end < 0 ? undefined : end)
    .filter((event) => 'container' in event && event.container === name);
}

const mappingsOf = ({ iommu }: OpenContainer): string => toJsonLine(iommu.mappings());
