import { EINVAL } from './error-number.ts';
import { MalformedMessage } from './malformed-message.ts';

/**
 * A view of the fixed part of a payload.
 *
 * @param what the command, for the error
 * @param bytes how long the fixed part is
 * @param exact whether nothing may follow it
 * @throws MalformedMessage (EINVAL) when the payload is shorter, or longer where that is not allowed.
 */
export function fixedPart(payload: Uint8Array, what: string, bytes: number, exact = true): DataView {
  if (payload.length < bytes || (exact && payload.length !== bytes)) {
    const allowed = exact ? `${bytes}` : `at least ${bytes}`;
    throw new MalformedMessage(`${what}: payload of ${payload.length} bytes, allowed ${allowed}`, EINVAL);
  }
  return new DataView(payload.buffer, payload.byteOffset, payload.length);
}

/**
 * The field `argsz` that begins many payloads: how large a payload the sender has room for in the reply,
 * or the size of the request's own where the reply has none.
 *
 * @throws MalformedMessage (EINVAL) when it is below `least`.
 */
export function argsz(view: DataView, what: string, least: number): number {
  const value = view.getUint32(0, true);
  if (value < least) {
    throw new MalformedMessage(`${what}: argsz ${value}, allowed at least ${least}`, EINVAL);
  }
  return value;
}
