import { alignDown, alignUp, offset } from '../src/address/index.ts';
import {
  coldPlugged,
  isAliasKind,
  type DeviceSpec,
  type Operation,
  type Scenario,
} from '../src/scenario/index.ts';
import type { Choose } from './choose.ts';
import { RAM_START } from './ram-start.ts';

/** Of a hundred scenarios whose device has a BAR of ports, how many enable it. */
const PORTS_SHARE = 30;
/** Of a hundred scenarios with a BAR below the host's page, how many move it inside its page. */
const IN_PAGE_SHARE = 25;
/** Of a hundred scenarios with a BAR above 4 GiB, how many access it there. */
const BEYOND_4_GIB_SHARE = 60;
/** How many of a hundred scenarios change a region on top of system memory: its permission, or what an alias shows. */
const REGION_SHARE = 5;

/** How many of a hundred scenarios of pseries plug a DIMM and unplug it again. */
const DIMM_SHARE = 10;

const GIB_4 = 1n << 32n;
/** Bytes of a DIMM of pseries are a multiple of this (hw/ppc/spapr.c: SPAPR_MEMORY_BLOCK_SIZE). */
const DIMM_UNIT = 256n << 20n;

/** What may be added to the end of a scenario. */
export interface LaterOptions {
  /** Whether the target runs operations that only a model can. */
  readonly modelOnly: boolean;
  /** Whether a real machine has to show the scenario. */
  readonly isReal: boolean;
}

/**
 * Adds changes to the end of a few scenarios: nothing else of them changes. Each draw comes before the question whether its
 * result is wanted, so that a seed gives the same other cases for every target.
 */
export function withLaterChanges(
  choose: Choose,
  scenario: Scenario,
  { modelOnly, isReal }: LaterOptions,
): Scenario {
  const devices = pluggedAtEnd(scenario);
  const ports = choosePorts(choose, devices);
  const moves = chooseMoveInPage(choose, scenario, devices);
  const changes = chooseRegionChange(choose, scenario);
  const accesses = chooseFarAccess(choose, devices);
  const dimm = chooseDimm(choose, scenario);
  const added = [
    ...(modelOnly ? ports : []),
    ...(isReal ? [] : moves),
    ...(modelOnly && !isReal ? changes : []),
    ...accesses,
    ...(modelOnly && !isReal ? dimm : []),
  ];
  return added.length === 0 ? scenario : { ...scenario, operations: [...scenario.operations, ...added] };
}

/** The devices that are plugged in after the last operation. */
export function pluggedAtEnd(scenario: Scenario): readonly DeviceSpec[] {
  const plugged = new Set(coldPlugged(scenario).map(({ id }) => id));
  for (const operation of scenario.operations) {
    if (operation.op === 'hotplug') plugged.add(operation.device);
    if (operation.op === 'unplug') plugged.delete(operation.device);
  }
  return scenario.devices.filter(({ id }) => plugged.has(id));
}

/** Firmware enables ports; a driver may disable them again. */
function choosePorts(choose: Choose, devices: readonly DeviceSpec[]): readonly Operation[] {
  const candidates = devices.filter(({ bars }) => bars.some(({ type }) => type === 'io'));
  if (candidates.length === 0 || !choose.chance(PORTS_SHARE)) return [];
  const device = choose.among(candidates).id;
  const enable: Operation = { op: 'enable-io', device };
  return choose.weighted<readonly Operation[]>(
    [6, [enable]],
    [2, [enable, { op: 'disable-io', device }]],
    [2, [enable, { op: 'reset' }]],
  );
}

/** A small BAR moves to another place in the page of the host in which it lies. */
function chooseMoveInPage(
  choose: Choose,
  { machine, operations }: Scenario,
  devices: readonly DeviceSpec[],
): readonly Operation[] {
  const page = machine.hostPageSize;
  const small = devices.flatMap(({ id, bars }) =>
    bars
      .filter(({ type, size }) => type !== 'io' && size < page)
      .flatMap(({ index, size }) => {
        const last = operations.findLast(
          (operation) => operation.op === 'set-bar' && operation.device === id && operation.bar === index,
        );
        return last?.op === 'set-bar' ? [{ device: id, bar: index, size, address: last.address }] : [];
      }),
  );
  if (small.length === 0 || !choose.chance(IN_PAGE_SHARE)) return [];
  const { device, bar, size, address } = choose.among(small);
  const places = page / size;
  const moves = choose.list(choose.integer(1, 2), (): Operation => {
    const at = alignDown(address, page) + size * choose.bigint(0n, places - 1n);
    return { op: 'set-bar', device, bar, address: at };
  });
  return choose.chance(50) ? [...moves, { op: 'enable-memory', device }] : moves;
}

/** RAM or ROM becomes read-only or writable, or an alias shows another part of RAM. */
function chooseRegionChange(choose: Choose, { machine, operations }: Scenario): readonly Operation[] {
  if (!choose.chance(REGION_SHARE)) return [];
  const page = machine.hostPageSize;
  const size = page * choose.bigint(1n, 4n);
  const name = 'changed';
  const far = page * choose.bigint(16n, machine.ram / page / 2n);
  // On POWER the kernel registers no RAM at two places.
  const isShift = choose.chance(50) && machine.type !== 'pseries';
  const added: Operation = {
    op: 'add-region',
    name,
    kind: isShift
      ? choose.among(['readonly-ram', 'nonvolatile-ram', 'unmergeable-ram'])
      : choose.among(['ram', 'ram', 'rom']),
    address: RAM_START[machine.type] + far,
    size,
    priority: 1,
  };
  const known = operations.some((operation) => operation.op === 'add-region' && operation.name === name);
  if (known) return [];
  if (isAliasKind(added.kind)) return [added, { op: 'shift-alias', name, by: page * choose.bigint(1n, 8n) }];
  const [first, second] =
    added.kind === 'ram'
      ? (['make-readonly', 'make-writable'] as const)
      : (['make-writable', 'make-readonly'] as const);
  return choose.chance(40)
    ? [added, { op: first, name }, { op: second, name }]
    : [added, { op: first, name }];
}

/** On POWER the VMM registers RAM that comes and unregisters RAM that goes, for devices to reach it. */
function chooseDimm(choose: Choose, { machine: { type, ram } }: Scenario): readonly Operation[] {
  if (type !== 'pseries' || !choose.chance(DIMM_SHARE)) return [];
  const name = 'dimm';
  const size = DIMM_UNIT * choose.bigint(1n, 4n);
  const add = {
    op: 'add-region',
    name,
    kind: 'ram',
    address: alignUp(ram, DIMM_UNIT),
    size,
    priority: 0,
  } as const;
  const remove = { op: 'remove-region', name } as const;
  return choose.chance(30) ? [add, remove, add] : [add, remove];
}

/** An access to a BAR beyond its first 4 GiB, where arithmetic of 32 bits would fail. */
function chooseFarAccess(choose: Choose, devices: readonly DeviceSpec[]): readonly Operation[] {
  const large = devices.flatMap(({ id, bars }) =>
    bars
      .filter(({ size }) => size >= GIB_4 + 16n)
      .map(({ index, size, mmap }) => ({ device: id, bar: index, size, mmap })),
  );
  if (large.length === 0 || !choose.chance(BEYOND_4_GIB_SHARE)) return [];
  // The VMM carries out accesses to a BAR that the host does not let be mmapped.
  const trapped = large.filter(({ mmap }) => !mmap);
  const { device, bar, size } = choose.among(trapped.length > 0 ? trapped : large);
  const at = choose.weighted<() => bigint>(
    [3, () => GIB_4],
    [3, () => size - 8n],
    [4, () => GIB_4 + 8n * choose.bigint(0n, (size - GIB_4) / 8n - 1n)],
  )();
  return [
    {
      op: 'access-bar',
      device,
      bar,
      offset: offset(at),
      width: choose.among([4, 8]),
      write: choose.chance(50),
    },
  ];
}
