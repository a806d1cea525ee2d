import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decodeScenario } from './index.ts';
import { SCENARIO_SCHEMA } from './schema/scenario-schema.ts';
import { OVERLAY_KINDS } from './scenario.ts';

/** A part of a JSON Schema, as far as the page must name what is in it. */
interface Part {
  readonly properties: Readonly<Record<string, Part>>;
  readonly required: readonly string[];
  readonly items: Part;
  readonly anyOf?: readonly Part[];
  readonly oneOf: readonly Part[];
  readonly const?: string;
}

const PAGE = readFileSync(new URL('README.md', import.meta.url), 'utf8');

/** The rows below a heading, as cells. */
function rowsOf(heading: string): string[][] {
  const [, section = ''] = PAGE.split(`# ${heading}\n`);
  return [...section.split(/^#/m)[0]!.matchAll(/^\| `.*$/gm)].map(([row]) =>
    row.split('|').map((cell) => cell.trim()),
  );
}

const codeIn = (cell: string): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code);

/** A field may be null, too, where it may be left out. */
const notNull = (part: Part): Part =>
  part.anyOf?.find(({ properties, items }) => properties !== undefined || items !== undefined) ?? part;
const keysOf = ({ properties, required = [] }: Part): string[] =>
  Object.keys(properties)
    .map((key) => (required.includes(key) ? key : `${key}?`))
    .toSorted();

const scenario = SCENARIO_SCHEMA as unknown as Part;
const field = (part: Part, key: string): Part => notNull(part.properties[key]!);
const { machine, host } = scenario.properties as { machine: Part; host: Part };
const device = field(scenario, 'devices').items;
const operations = field(scenario, 'operations').items.oneOf;

describe('the page of scenarios', () => {
  it.each([
    ['A scenario', scenario],
    ['machine', machine],
    ['host', host],
    ['host.iommu', field(host, 'iommu')],
    ['A device', device],
    ['A BAR', field(device, 'bars').items],
    ['MSI-X', field(device, 'msix')],
    ['Options of a device', field(device, 'options')],
  ])('names each key of %s, and which may be left out', (heading, part) => {
    expect(
      rowsOf(heading)
        .flatMap(([, key = '']) => codeIn(key))
        .toSorted(),
    ).toEqual(keysOf(part));
  });

  it('names each operation with its fields, and which may be left out', () => {
    const onPage = rowsOf('The operations').map(([, op = '', fields = '']) => [
      ...codeIn(op),
      codeIn(fields).toSorted(),
    ]);
    const inSchema = operations.map((part) => [
      part.properties['op']!.const,
      keysOf(part).filter((key) => key !== 'op'),
    ]);
    expect(onPage.toSorted()).toEqual(inSchema.toSorted());
  });

  it('names each kind of region', () => {
    expect(OVERLAY_KINDS.filter((kind) => !PAGE.includes(`\`${kind}\``))).toEqual([]);
  });

  it('shows operations that a scenario may have', () => {
    const shown = [...PAGE.matchAll(/`(\{ "op": [^`]+\})`/g)].map(
      ([, text = '']) => JSON.parse(text) as object,
    );
    expect(shown.length).toBeGreaterThan(5);
    const whole = {
      version: 1,
      machine: { type: 'generic', ram: '0x100000' },
      host: { kernel: '6.12', iommu: { type: 'type1' } },
      devices: [{ id: 'dev0', bars: [0, 1].map((index) => ({ index, size: '0x10000000', type: 'mem32' })) }],
    };
    for (const operation of shown) {
      let problems = '';
      try {
        decodeScenario({ ...whole, operations: [operation] });
      } catch (error) {
        problems = (error as Error).message;
      }
      // An operation alone may lack the region that an earlier one adds; its own fields are right.
      expect(problems).not.toMatch(/unknown key|expected/);
    }
  });
});
