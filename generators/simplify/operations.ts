import { offset } from '../../src/address/index.ts';
import {
  BLOCK_SIZE,
  DMA_WINDOW_PAGES,
  pciWindows,
  type Operation,
  type Scenario,
} from '../../src/scenario/index.ts';
import { ROUND_ADDRESSES, rounderNumbers } from './numbers.ts';

export function* withSimplerOperations(scenario: Scenario): Generator<Scenario> {
  const { operations } = scenario;
  const { low, high } = pciWindows(scenario);
  const addresses = [low.start, ...(high === undefined ? [] : [high.start]), ...ROUND_ADDRESSES];
  for (const [index, operation] of operations.entries()) {
    for (const simpler of simplerOperations(operation, addresses)) {
      yield { ...scenario, operations: operations.with(index, simpler) };
    }
  }
}

function* simplerOperations(operation: Operation, addresses: readonly bigint[]): Generator<Operation> {
  switch (operation.op) {
    case 'set-bar':
      for (const address of [...addresses, ...rounderNumbers(operation.address)])
        yield { ...operation, address };
      return;
    case 'set-rom':
      if (!operation.enabled) yield { ...operation, enabled: true };
      for (const address of [...addresses, ...rounderNumbers(operation.address)])
        if (address < END_OF_32_BITS) yield { ...operation, address };
      return;
    case 'add-region':
      if (operation.priority !== 0) yield { ...operation, priority: 0 };
      if (operation.blockSize !== undefined) {
        const { blockSize: _, ...rest } = operation;
        yield rest;
      }
      // The name is part of the operations that follow.
      if (operation.name !== 'overlay' && operation.kind !== 'rom-device')
        yield { ...operation, name: 'overlay' };
      for (const size of [0x1000n, 0x1_0000n, 0x800n, operation.size / 2n])
        if (size > 0n) yield { ...operation, size };
      for (const address of [...addresses, ...rounderNumbers(operation.address)])
        yield { ...operation, address };
      return;
    case 'access-bar': {
      const { offset: at, width, write } = operation;
      if (width !== 4) yield { ...operation, width: 4 };
      if (write) yield { ...operation, write: false };
      for (const simpler of rounderNumbers(at)) yield { ...operation, offset: offset(simpler) };
      return;
    }
    case 'plug-blocks':
    case 'unplug-blocks':
      yield { ...operation, offset: offset(0n) };
      yield { ...operation, size: operation.size / 2n };
      for (const block of [BLOCK_SIZE, 0x1_0000n, 0x1000n]) yield { ...operation, size: block };
      return;
    case 'create-dma-window':
      for (const pageSize of DMA_WINDOW_PAGES)
        if (pageSize < operation.pageSize) yield { ...operation, pageSize };
      if (operation.size > operation.pageSize) yield { ...operation, size: operation.size / 2n };
      return;
    case 'size-bar':
      if (operation.probe !== undefined)
        yield { op: 'size-bar', device: operation.device, bar: operation.bar };
      return;
    case 'mask-vector':
      yield { ...operation, vector: 0 };
      return;
    default:
  }
}

/** The register of an expansion ROM has 32 bits. */
const END_OF_32_BITS = 1n << 32n;

/** All addresses moved down by the same distance, so that neighbours stay neighbours. */
export function* withOneAddressForMany(scenario: Scenario): Generator<Scenario> {
  const placed = scenario.operations.filter((operation) => 'address' in operation);
  if (placed.length < 2) return;
  const least = placed.reduce(
    (lowest, { address }) => (address < lowest ? address : lowest),
    placed[0]!.address,
  );
  const { low, high } = pciWindows(scenario);
  for (const target of [low.start, ...(high === undefined ? [] : [high.start]), ...ROUND_ADDRESSES]) {
    if (target >= least) continue;
    yield {
      ...scenario,
      operations: scenario.operations.map((operation) =>
        'address' in operation ? movedBy(operation, target - least) : operation,
      ),
    };
  }
}

type Placed = Extract<Operation, { address: bigint }>;

/** The operation with an address that is `distance` bytes further up. */
function movedBy(operation: Placed, distance: bigint): Operation {
  const address = operation.address + distance;
  return { ...operation, address: operation.op === 'set-rom' ? BigInt.asUintN(32, address) : address };
}
