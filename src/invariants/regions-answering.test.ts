import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TraceNode, TraceRegion } from '../trace/index.ts';
import { regionsAnswering } from './regions-answering.ts';
import { END, PAGE, RAM, node, region } from './testing/index.ts';

const ROOT = region('system', 'container');
const IO = region('io', 'io');

/** The region that answers at `address`, counted from the start of `node`: children first, best priority first. */
function search(
  node: TraceNode,
  address: bigint,
): { readonly region: TraceRegion; readonly offset: bigint } | undefined {
  if (!node.enabled || address >= node.size) return undefined;
  if (node.alias !== undefined) return search(node.alias.node, address + node.alias.offset);
  for (const child of node.children) {
    if (address < child.address || address >= child.end) continue;
    const found = search(child, address - child.address);
    if (found !== undefined) return found;
  }
  return node.terminates ? { region: node.region, offset: address } : undefined;
}

/** Trees of a few addresses, in which most regions overlap others; aliases show trees of their own. */
const treeOf = (depth: number): fc.Arbitrary<TraceNode> =>
  fc
    .record({
      kind: fc.constantFrom('container', 'io', 'alias'),
      address: fc.bigInt({ min: 0n, max: 20n }),
      size: fc.bigInt({ min: 0n, max: 40n }),
      enabled: fc.nat(9).map((one) => one > 0),
      children: depth === 0 ? fc.constant([]) : fc.array(treeOf(depth - 1), { maxLength: 3 }),
      offset: fc.bigInt({ min: 0n, max: 10n }),
    })
    .map(({ kind, address, size, enabled, children, offset }): TraceNode => {
      const [target] = children;
      const alias = kind === 'alias' && target !== undefined ? { node: target, offset } : undefined;
      return alias === undefined
        ? node(region(kind, kind === 'io' ? 'io' : 'container'), address, size, { enabled, children })
        : node(region('alias', 'alias'), address, size, { enabled, alias });
    });

describe('regionsAnswering', () => {
  it('passes over a region whose addresses regions above it have answered', () => {
    const [upper, lower] = [node(RAM, 0n, 2n * PAGE), node(IO, 0n, PAGE)];
    const root = node(ROOT, 0n, END, { children: [upper, lower] });
    expect(regionsAnswering(root, [0n, PAGE]).map((answer) => answer?.region)).toEqual([RAM, RAM]);
  });

  it('adds up the attributes of all regions on the path, aliases included', () => {
    const PLAIN = { readonly: false, nonvolatile: false, unmergeable: false };
    const ram = node(RAM, 0n, 4n * PAGE, { attributes: { ...PLAIN, nonvolatile: true } });
    const alias = node(region('alias', 'alias'), PAGE, PAGE, {
      alias: { node: ram, offset: PAGE },
      attributes: { ...PLAIN, readonly: true },
    });
    const root = node(ROOT, 0n, 4n * PAGE, { children: [alias, ram] });
    expect(regionsAnswering(root, [0n, PAGE]).map((answer) => answer?.attributes)).toEqual([
      { ...PLAIN, nonvolatile: true },
      { readonly: true, nonvolatile: true, unmergeable: false },
    ]);
  });

  const found = (address: bigint, root: TraceNode) => {
    const [answer] = regionsAnswering(root, [address]);
    return answer && [answer.region.name, address - answer.base];
  };

  it('goes to the first child that answers, and to the region itself where none does', () => {
    const inner = node(region('inner', 'container'), PAGE, PAGE, {
      children: [node(region('a', 'io'), 0n, 8n)],
    });
    const root = node(RAM, 0n, 4n * PAGE, { children: [inner, node(region('b', 'io'), PAGE, 16n)] });
    expect(found(PAGE, root)).toEqual(['a', 0n]);
    expect(found(PAGE + 7n, root)).toEqual(['a', 7n]);
    expect(found(PAGE + 8n, root)).toEqual(['b', 8n]);
    expect(found(PAGE + 16n, root)).toEqual(['ram', PAGE + 16n]);
    expect(found(4n * PAGE - 1n, root)).toEqual(['ram', 4n * PAGE - 1n]);
    expect(found(4n * PAGE, root)).toBeUndefined();
  });

  it('passes by what is switched off, and what does not answer itself', () => {
    const off = node(IO, 0n, PAGE, { enabled: false });
    expect(found(0n, node(RAM, 0n, PAGE, { children: [off] }))).toEqual(['ram', 0n]);
    expect(found(0n, node(ROOT, 0n, PAGE, { children: [off] }))).toBeUndefined();
    expect(found(0n, node(RAM, 0n, PAGE, { enabled: false }))).toBeUndefined();
  });

  it('looks through aliases, no further than they and their targets reach', () => {
    const target = node(RAM, 0x5_0000n, 4n * PAGE);
    const alias = node(region('alias', 'alias'), PAGE, 8n * PAGE, { alias: { node: target, offset: PAGE } });
    const root = node(ROOT, 0n, END, { children: [alias] });
    expect(found(PAGE, root)).toEqual(['ram', PAGE]);
    expect(found(4n * PAGE - 1n, root)).toEqual(['ram', 4n * PAGE - 1n]);
    expect(found(4n * PAGE, root)).toBeUndefined();
    expect(found(PAGE - 1n, root)).toBeUndefined();
  });

  it('gives for random trees what a search for each single address gives', () => {
    fc.assert(
      fc.property(
        treeOf(3),
        fc.array(fc.bigInt({ min: -2n, max: 40n }), { maxLength: 60 }),
        (root, addresses) => {
          const expected = addresses.map((address) => search(root, address));
          const answers = regionsAnswering(root, addresses);
          expect(answers.map((answer) => answer?.region)).toEqual(expected.map((answer) => answer?.region));
          expect(answers.map((answer, index) => answer && addresses[index]! - answer.base)).toEqual(
            expected.map((answer) => answer?.offset),
          );
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('answers an address as often as it is asked for', () => {
    const answers = regionsAnswering(node(RAM, 0n, PAGE), [8n, 0n, 8n, PAGE]);
    expect(answers.map((answer) => answer?.region)).toEqual([RAM, RAM, RAM, undefined]);
  });
});
