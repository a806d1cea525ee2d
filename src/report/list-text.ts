import { bytes, hex } from '../address/index.ts';
import { brokenBy, type Invariant } from '../invariants/index.ts';
import type { DeviceSpec, JsonValue } from '../scenario/index.ts';
import type { ListedRule } from '../validate/index.ts';
import { count } from './count.ts';
import { table } from './table.ts';

/** The invariants with their clauses, a line each. */
export const invariantList = (invariants: readonly Invariant[]): string =>
  list(
    invariants.map(({ id, clause, severity, ofRealVmm }) => [
      id,
      [
        ...(severity === 'warning' ? ['(warning)'] : []),
        ...(ofRealVmm ? ['(needs a real VMM: --target qemu)'] : []),
        clause,
      ].join(' '),
    ]),
  );

/** The revisions with the invariants that they break, a line each. */
export const revisionList = (revisions: readonly { readonly id: string; readonly title: string }[]): string =>
  list(
    revisions.map(({ id, title }) => {
      const broken = brokenBy(id);
      return [id, broken.length > 0 ? `${title}; breaks ${broken.join(', ')}` : title];
    }),
  );

/** The devices with their BARs and their MSI-X layout, a line each. */
export const deviceList = (devices: readonly DeviceSpec[]): string =>
  list(
    devices.map(({ name, bars, msix }) => {
      const sizes = bars.map(({ index, size, type }) => `BAR${index} ${bytes(size)} ${type}`).join(', ');
      return [name, `${sizes}; ${msixText(msix)}`];
    }),
  );

function msixText(msix: DeviceSpec['msix']): string {
  if (msix === undefined) return 'no MSI-X';
  const { vectors, tableBar, tableOffset, pbaBar, pbaOffset } = msix;
  return `${count(vectors, 'vector')}, table BAR${tableBar}+${hex(tableOffset)}, PBA BAR${pbaBar}+${hex(pbaOffset)}`;
}

/** The rules that a patch may replace, a line each: the name, the room that asks the rule, and what it decides. */
export const ruleList = (rules: readonly ListedRule[]): string =>
  list(
    rules.map(({ name, room, isFunction, answer, about }) => [
      name,
      room,
      `${about}; ${isFunction ? 'returns' : 'is'} ${answer}`,
    ]),
  );

/** One line for each row, or more where a terminal is narrower. */
const list = (rows: readonly (readonly string[])[]): string =>
  table(rows)
    .map((line) => `${line}\n`)
    .join('');

/** The invariants as plain data. */
export const invariantsToJson = (invariants: readonly Invariant[]): JsonValue => ({
  invariants: invariants.map(({ id, clause, severity, site, ofRealVmm = false }) => ({
    id,
    clause,
    severity,
    site,
    needsRealVmm: ofRealVmm,
  })),
});

/** The revisions with the invariants that they break, as plain data. */
export const revisionsToJson = (
  revisions: readonly { readonly id: string; readonly title: string; readonly source: string }[],
): JsonValue => ({
  revisions: revisions.map(({ id, title, source }) => ({ id, title, source, breaks: brokenBy(id) })),
});

/** The devices as plain data, in the form of scenarios. */
export const devicesToJson = (devices: readonly DeviceSpec[]): JsonValue => ({
  devices: devices as unknown as JsonValue,
});

/** The rules as plain data. */
export const rulesToJson = (rules: readonly ListedRule[]): JsonValue => ({
  rules: rules.map(({ name, room, file, isFunction, answer, about }) => ({
    ...{ name, room, file, about, answer },
    kind: isFunction ? 'function' : 'value',
  })),
});
