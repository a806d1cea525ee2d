/** The types of C that structures of the kernel's interfaces are made of. */
export type ScalarType = 'u16' | 'u32' | 's32' | 'u64';

type ScalarValue<Type extends ScalarType> = Type extends 'u64' ? bigint : number;

/** The values of a structure's fields: `bigint` for 64 bits, `number` for less. */
export type StructureValues<Fields extends Readonly<Record<string, ScalarType>>> = {
  readonly [Name in keyof Fields]: ScalarValue<Fields[Name]>;
};

const BYTES: Readonly<Record<ScalarType, number>> = { u16: 2, u32: 4, s32: 4, u64: 8 };

/** A structure of C as it lies in the memory of a little-endian machine. */
export interface Structure<Fields extends Readonly<Record<string, ScalarType>>> {
  /** `sizeof` the structure. */
  readonly bytes: number;
  /** Where each field begins, in bytes. */
  readonly offsets: Readonly<Record<keyof Fields, number>>;
  /** The bytes of a structure; a field that is left out is 0. A value is cut to the width of its field. */
  encode(values: Partial<StructureValues<Fields>>): Uint8Array;
  /**
   * The fields at `at` of `data`.
   *
   * @throws RangeError where `data` ends inside the structure
   */
  decode(data: Uint8Array, at?: number): StructureValues<Fields>;
}

/**
 * Lays out a structure as C compilers do on x86_64, arm64 and ppc64le: the fields in order, each at a
 * multiple of its size, the whole a multiple of the largest.
 */
export function structure<const Fields extends Readonly<Record<string, ScalarType>>>(
  fields: Fields,
): Structure<Fields> {
  const offsets: Record<string, number> = {};
  let end = 0;
  let alignment = 1;
  for (const [name, type] of Object.entries(fields)) {
    const width = BYTES[type];
    offsets[name] = Math.ceil(end / width) * width;
    end = offsets[name] + width;
    alignment = Math.max(alignment, width);
  }
  const bytes = Math.ceil(end / alignment) * alignment;
  return {
    bytes,
    offsets: offsets as Record<keyof Fields, number>,
    encode: (values) => {
      const data = new Uint8Array(bytes);
      const view = new DataView(data.buffer);
      for (const [name, type] of Object.entries(fields)) {
        const value = (values as Record<string, bigint | number | undefined>)[name];
        if (value !== undefined) WRITERS[type](view, offsets[name]!, value);
      }
      return data;
    },
    decode: (data, at = 0) => {
      if (at < 0 || at + bytes > data.length)
        throw new RangeError(`no ${bytes} bytes at ${at} of ${data.length}`);
      const view = new DataView(data.buffer, data.byteOffset + at, bytes);
      const entries = Object.entries(fields).map(([name, type]) => [
        name,
        READERS[type](view, offsets[name]!),
      ]);
      return Object.fromEntries(entries) as StructureValues<Fields>;
    },
  };
}

const WRITERS: Readonly<Record<ScalarType, (view: DataView, at: number, value: bigint | number) => void>> = {
  u16: (view, at, value) => view.setUint16(at, Number(value), true),
  u32: (view, at, value) => view.setUint32(at, Number(value), true),
  s32: (view, at, value) => view.setInt32(at, Number(value), true),
  u64: (view, at, value) => view.setBigUint64(at, BigInt(value), true),
};

const READERS: Readonly<Record<ScalarType, (view: DataView, at: number) => bigint | number>> = {
  u16: (view, at) => view.getUint16(at, true),
  u32: (view, at) => view.getUint32(at, true),
  s32: (view, at) => view.getInt32(at, true),
  u64: (view, at) => view.getBigUint64(at, true),
};

/** The bytes of several pieces, one behind the other. */
export function concatenate(...pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
