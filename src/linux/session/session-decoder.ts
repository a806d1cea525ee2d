import { hex, parseHex } from '../../address/index.ts';
import { Decoder } from '../../input/index.ts';
import { CALL_FORMS, type CallName, type FieldKind } from './call-forms.ts';
import type { AnsweredCall, CapabilityForm, FieldValue, HostCall, ProcessAddress } from './host-call.ts';
import { isAreaName } from './memory-areas.ts';

const LAST_U64 = (1n << 64n) - 1n;
const LAST_U32 = 2 ** 32 - 1;
const PLACE = /^([a-z]+[0-9]?)\+(0x[0-9a-fA-F]{1,16})$/;

/** Reads the values of a session that plain JSON does not have: 64-bit numbers, places in memory, and calls. */
export class SessionDecoder extends Decoder {
  /** A number of up to 64 bits, as a hex string or a safe integer. */
  number(value: unknown, path: string, most: bigint = LAST_U64): bigint {
    const parsed = parseHex(value);
    if (parsed !== undefined && parsed <= most) return parsed;
    this.expected(path, `a hex string or safe integer from 0x0 to ${hex(most)}`, value);
    return 0n;
  }

  /** The decoded value, or `absent` where the value is missing. */
  optional<T>(value: unknown, absent: T, decode: (value: unknown) => T): T {
    return value === undefined ? absent : decode(value);
  }

  /** A place in memory: `ram+0x1000`. */
  place(value: unknown, path: string): ProcessAddress {
    const [, area, text] = (typeof value === 'string' && PLACE.exec(value)) || [];
    if (area !== undefined && text !== undefined && isAreaName(area)) return { area, offset: BigInt(text) };
    this.expected(
      path,
      'a place such as "ram+0x1000" (ram, readonly, hole, noaccess, abs, bar0 to bar5)',
      value,
    );
    return { area: 'ram', offset: 0n };
  }

  /** A list of pairs of numbers. */
  pairs(value: unknown, path: string): [bigint, bigint][] {
    return this.array(value, path, (pair, at) => {
      const numbers = this.array(pair, at, (one, where) => this.number(one, where));
      if (Array.isArray(pair) && numbers.length !== 2) this.expected(at, 'two numbers', pair);
      return [numbers[0] ?? 0n, numbers[1] ?? 0n];
    });
  }

  /**
   * A call, and its recorded answer if it has one.
   *
   * @param allowed the calls that the session's container has
   */
  step(
    value: unknown,
    path: string,
    allowed: readonly CallName[],
  ): { call: HostCall; recorded: AnsweredCall | undefined } {
    const named = typeof value === 'object' && value !== null && !Array.isArray(value);
    const name = this.oneOf(named ? (value as { call?: unknown }).call : undefined, `${path}.call`, allowed);
    const { passed, returned } = CALL_FORMS[name];
    const fields = this.object(value, path, [
      ...['call', 'argsz', 'ret', 'errno', 'unanswered'],
      ...[passed, returned].flatMap((form) => Object.keys(form)),
    ]);
    const argsz = this.optional(fields['argsz'], undefined, (given) =>
      this.integer(given, `${path}.argsz`, 0, LAST_U32),
    );
    const call = {
      call: name,
      ...(argsz === undefined ? {} : { argsz }),
      ...this.#fields(fields, path, passed),
    } as HostCall;
    return { call, recorded: fields['ret'] === undefined ? undefined : this.#answer(fields, path, returned) };
  }

  #answer(
    fields: Record<string, unknown>,
    path: string,
    returned: Readonly<Record<string, FieldKind>>,
  ): AnsweredCall {
    const present = Object.entries(returned).filter(([name]) => fields[name] !== undefined);
    return {
      ret: this.integer(fields['ret'], `${path}.ret`, -1, LAST_U32),
      errno: this.integer(fields['errno'], `${path}.errno`, 0, 4095),
      returned: this.#fields(fields, path, Object.fromEntries(present)),
    };
  }

  #fields(
    fields: Record<string, unknown>,
    path: string,
    form: Readonly<Record<string, FieldKind>>,
  ): Record<string, FieldValue> {
    return Object.fromEntries(
      Object.entries(form).map(([name, kind]) => [name, this.#field(fields[name], `${path}.${name}`, kind)]),
    );
  }

  #field(value: unknown, path: string, kind: FieldKind): FieldValue {
    switch (kind) {
      case 'number':
        return this.number(value, path);
      case 'integer':
        return this.integer(value, path, 0, LAST_U32);
      case 'boolean':
        return this.boolean(value, path);
      case 'place':
        return this.place(value, path);
      case 'name':
        return this.string(value, path);
      case 'ranges':
        return this.pairs(value, path);
      case 'capabilities':
        return this.array(value, path, (one, at) => this.#capability(one, at));
    }
  }

  #capability(value: unknown, path: string): CapabilityForm {
    const fields = this.object(value, path, ['sparse', 'msix-mappable', 'other']);
    if (fields['sparse'] !== undefined) return { sparse: this.pairs(fields['sparse'], `${path}.sparse`) };
    if (fields['msix-mappable'] !== undefined) {
      const version = this.integer(fields['msix-mappable'], `${path}.msix-mappable`, 0, 65535);
      return { 'msix-mappable': version };
    }
    return { other: this.integer(fields['other'], `${path}.other`, 0, 65535) };
  }
}
