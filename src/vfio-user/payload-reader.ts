import { EINVAL } from './error-number.ts';
import { MalformedMessage } from './malformed-message.ts';

/**
 * A view of a payload, once its length is checked.
 *
 * @param command for the error text.
 * @param bytes the length of the fixed part.
 * @param exact whether the payload must end there.
 * @throws MalformedMessage (EINVAL) when the payload is shorter, or is longer although it must end there.
 */
export function fixedPart(payload: Uint8Array, command: string, bytes: number, exact = true): DataView {
  if (payload.length < bytes || (exact && payload.length !== bytes)) {
    const allowed = exact ? `${bytes}` : `at least ${bytes}`;
    throw new MalformedMessage(`${command}: payload of ${payload.length} bytes, allowed ${allowed}`, EINVAL);
  }
  return new DataView(payload.buffer, payload.byteOffset, payload.length);
}

/**
 * The field `argsz` at the start of a payload: for how many bytes of reply payload the sender has room. Where the
 * reply has no payload, `argsz` is the length of the request's payload.
 *
 * @throws MalformedMessage (EINVAL) when `argsz` is below `least`.
 */
export function argsz(view: DataView, command: string, least: number): number {
  const value = view.getUint32(0, true);
  if (value < least) {
    throw new MalformedMessage(`${command}: argsz ${value}, allowed at least ${least}`, EINVAL);
  }
  return value;
}
