import { hex } from '../address/index.ts';
import type { Scenario } from './scenario.ts';

/** A value that JSON can hold, or a `bigint`, which becomes a hex string. */
export type JsonValue =
  | null
  | boolean
  | number
  | string
  | bigint
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue | undefined };

const LINE_WIDTH = 110;

/** JSON on one line, with `bigint`s as hex strings. */
export const toJsonLine = (value: unknown): string =>
  JSON.stringify(value, (_, field: unknown) => (typeof field === 'bigint' ? hex(field) : field));

/**
 * JSON for people. An object or array stands on one line if it fits into the width; otherwise each entry has its
 * own line, indented by two spaces. Ends with a newline.
 *
 * @param width in columns; a long text may be wider.
 */
export const toJsonText = (value: unknown, width: number = LINE_WIDTH): string =>
  `${layOut(JSON.parse(toJsonLine(value)), '', 0, width)}\n`;

/** @param before the number of columns that stand on the line before the value, apart from `indent`. */
function layOut(value: unknown, indent: string, before: number, width: number): string {
  const line = spaced(value);
  if (typeof value !== 'object' || value === null || indent.length + before + line.length <= width)
    return line;
  const inner = `${indent}  `;
  const entries = Array.isArray(value)
    ? value.map((element) => inner + layOut(element, inner, 0, width))
    : Object.entries(value).map(([key, field]) => {
        const label = `${JSON.stringify(key)}: `;
        return inner + label + layOut(field, inner, label.length, width);
      });
  const [open, close] = Array.isArray(value) ? '[]' : '{}';
  return entries.length === 0 ? line : `${open}\n${entries.join(',\n')}\n${indent}${close}`;
}

/** JSON on one line, with spaces after colons and commas and inside braces. */
function spaced(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(spaced).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const fields = Object.entries(value).map(([key, field]) => `${JSON.stringify(key)}: ${spaced(field)}`);
  return fields.length === 0 ? '{}' : `{ ${fields.join(', ')} }`;
}

/** The JSON form of a scenario, as `decodeScenario` reads it. Fields of devices at their defaults are left out. */
export function encodeScenario(scenario: Scenario): JsonValue {
  const { machine, devices } = scenario;
  return {
    ...(scenario as unknown as { [key: string]: JsonValue }),
    machine: {
      type: machine.type,
      ...(machine.cpu && { cpu: machine.cpu as unknown as JsonValue }),
      ...(machine.pciHole64Size !== undefined && { pciHole64Size: machine.pciHole64Size }),
      ...(machine.highmemMmioSize !== undefined && { highmemMmioSize: machine.highmemMmioSize }),
      msixEmulation: machine.msixEmulation,
      ram: machine.ram,
      hostPageSize: machine.hostPageSize,
      guestPageSize: machine.guestPageSize,
    },
    devices: devices.map(({ id, name, vendor, device, vga, configSize, bars, rom, msix, options }) => ({
      id,
      ...(name !== id && { name }),
      ...(vendor !== 0 && { vendor: BigInt(vendor) }),
      ...(device !== 0 && { device: BigInt(device) }),
      ...(vga !== undefined && { vga }),
      ...(configSize !== undefined && { configSize }),
      bars: bars as unknown as JsonValue,
      ...(rom && { rom: rom as unknown as JsonValue }),
      ...(msix && { msix: msix as unknown as JsonValue }),
      ...(Object.keys(options).length > 0 && { options: options as unknown as JsonValue }),
    })),
  };
}
