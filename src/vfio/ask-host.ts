import type { Errno, HostFaults, NamedByRequest } from '../host/index.ts';
import { VmmAbort } from './failure.ts';

/**
 * What a fault of the host makes of a request that QEMU is about to send.
 *
 * @returns the error of the request; 0 for one that the kernel looks at.
 * @throws VmmAbort for a request that the host never answers: QEMU waits for it while it holds its big lock.
 */
export function askHost(faults: HostFaults | undefined, request: string, named: NamedByRequest): Errno {
  const answer = faults?.answer(request, named) ?? 0;
  if (answer !== 'never') return answer;
  throw new VmmAbort('unanswered-request', `QEMU hangs: the host never answers the request ${request}`);
}

/** The mark of an event whose error is a fault of the host. */
export const injectedMark = (fault: Errno): { readonly injected?: true } =>
  fault === 0 ? {} : { injected: true };
