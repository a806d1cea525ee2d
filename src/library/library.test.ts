import * as fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { scenarios } from '../../generators/index.ts';
import { InvalidInput } from '../input/index.ts';
import { forgetOwnInvariants, violationsOf, type Invariant } from '../invariants/index.ts';
import { requireRevision, runOnModel, scopeOf } from '../model/index.ts';
import { encodeScenario, toJsonLine, toJsonText, type Scenario } from '../scenario/index.ts';
import { defineInvariant, type InvariantDefinition } from './define-invariant.ts';
import { InvariantBroken, expectHolds } from './expect-holds.ts';
import { readScenario } from './read-scenario.ts';

afterEach(forgetOwnInvariants);

const text = JSON.stringify({
  version: 1,
  machine: { type: 'virt', ram: '0x10000000', hostPageSize: '0x10000', guestPageSize: '0x10000' },
  revision: 'seed-v2',
  host: { kernel: 'msix-mappable', iommu: { type: 'type1', pageSizes: ['0x10000'] } },
  devices: [{ id: 'nic', bars: [{ index: 0, size: '0x1000', type: 'mem32' }] }],
  operations: [
    { op: 'set-bar', device: 'nic', bar: 0, address: '0x10000000' },
    { op: 'enable-memory', device: 'nic' },
  ],
});

/** What `expectHolds` says of a scenario that breaks something. */
function messageOf(scenario: Scenario): string {
  try {
    expectHolds(scenario);
  } catch (error) {
    if (error instanceof InvariantBroken) return error.message;
    throw error;
  }
  return '';
}

describe('readScenario', () => {
  it('reads what is printed for every generated scenario: bare, laid out, in a message, quoted in a mail', () => {
    fc.assert(
      fc.property(scenarios(), (scenario) => {
        const json = toJsonText(encodeScenario(scenario));
        const quoted = (mark: string): string =>
          `Hi,\n\n${`the case:\n${json}bye`
            .split('\n')
            .map((line) => mark + line)
            .join('\n')}\n`;
        for (const form of [
          json,
          toJsonLine(encodeScenario(scenario)),
          `Text.\n\n${json}\nMore.`,
          quoted('> '),
          quoted('    '),
        ])
          expect(readScenario(form)).toEqual(scenario);
      }),
      { numRuns: 100 },
    );
  });

  it('names every problem of a text that is none', () => {
    expect(() => readScenario('no JSON here')).toThrow(InvalidInput);
    expect(() => readScenario('{ "version": 2 }')).toThrow(/version: expected 1/);
  });
});

describe('expectHolds', () => {
  it('throws exactly where an error is found, and its message can be read back', () => {
    let broken = 0;
    const drawn = fc
      .constantFrom(...['seed-v2', 'qemu-11.1'].map((id) => requireRevision(id)))
      .chain((revision) =>
        scenarios(scopeOf(revision)).map((scenario) => ({ ...scenario, revision: revision.id })),
      );
    fc.assert(
      fc.property(drawn, (scenario) => {
        const violations = violationsOf(runOnModel(scenario, requireRevision(scenario.revision)));
        const message = messageOf(scenario);
        const errors = violations.filter(({ invariant }) => invariant !== 'guest-page-reachable');
        expect(message === '').toBe(errors.length === 0);
        if (message === '') return;
        broken++;
        expect(readScenario(message)).toEqual(scenario);
        for (const { cause } of errors) expect(message).toContain(cause);
      }),
      { numRuns: 100 },
    );
    expect(broken).toBeGreaterThan(20);
  });

  it('lets pass what the caller excepts', () => {
    const scenario = readScenario(text);
    const except = [
      'map-aligned',
      'mmio-map-not-fatal',
      'no-abort/dma-map-device-memory-EINVAL',
      'map-unmap-symmetric',
    ];
    expect(() => expectHolds(scenario)).toThrow(InvariantBroken);
    expect(() => expectHolds(scenario, { except })).not.toThrow();
    expect(() => expectHolds(scenario, { except: except.slice(1) })).toThrow(/breaks map-aligned/);
  });

  it('refuses an unknown revision', () => {
    expect(() => expectHolds(readScenario(text), { revision: 'qemu-0' })).toThrow(InvalidInput);
  });
});

describe('defineInvariant', () => {
  const rule: InvariantDefinition = {
    id: 'no-maps',
    clause: 'nothing is mapped',
    start: (_, examination) => ({
      event: ({ type }) => {
        if (type === 'dma-map') examination.violate('a-map', () => 'something is mapped');
      },
    }),
  };
  const except = ['map-aligned', 'mmio-map-not-fatal', 'no-abort', 'map-unmap-symmetric'];

  it('is judged by expectHolds', () => {
    const scenario = readScenario(text);
    expect(() => expectHolds(scenario, { except })).not.toThrow();
    defineInvariant(rule);
    expect(() => expectHolds(scenario, { except })).toThrow(/^seed-v2 breaks no-maps\/a-map\n/);
  });

  it('fails nothing as a warning', () => {
    defineInvariant({ ...rule, severity: 'warning' });
    expect(() => expectHolds(readScenario(text), { except })).not.toThrow();
  });

  it.each([
    [{ id: 'Upper' }, 'id: expected lower-case letters'],
    [{ id: '../x' }, 'id: expected lower-case letters'],
    [{ id: 'map-aligned' }, 'id: barproof has an invariant with this id'],
    [{ clause: '' }, 'clause: expected one line of text'],
    [{ severity: 'fatal' as Invariant['severity'] }, 'severity: expected error or warning'],
    [{ start: 1 as unknown as InvariantDefinition['start'] }, 'start: expected a function'],
  ])('refuses %j', (change, message) => {
    expect(() => defineInvariant({ ...rule, ...change })).toThrow(message);
  });

  it('that throws is named, as the fault is not that of barproof', () => {
    defineInvariant({
      ...rule,
      start: () => {
        throw new TypeError('oh no');
      },
    });
    expect(() => expectHolds(readScenario(text), { except })).toThrow(
      new InvalidInput([{ path: '', message: 'the invariant no-maps throws TypeError: oh no' }]),
    );
  });
});
