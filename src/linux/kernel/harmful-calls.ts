import { END_OF_SPACE, lesser } from '../../address/index.ts';
import { Errno, kernelRules, PSERIES_WINDOW } from '../../host/index.ts';
import { answerOnModel } from '../model/model-answers.ts';
import { mayUseUpMemory } from '../model/spapr-answers.ts';
import { isAnswered, type HostCall } from '../session/host-call.ts';
import type { HostSession, SessionOn } from '../session/host-session.ts';

/** Says of a call, and its number in the session from 0, why the call is not sent; `undefined` for a harmless one. */
export type WhyNotSent = (call: HostCall, index: number) => string | undefined;

/**
 * Finds the calls of a session that must not be sent to a real kernel, because they would hang or stop the kernel, or
 * change its answers to later sessions.
 */
export function whyNotSent(session: HostSession): WhyNotSent {
  if (session.container === 'spapr-tce-v2') return whyNotSentOnSpapr(session);
  const losesMappings = session.iommu.startsWith('amd') && !kernelRules(session.kernel).type1.findsEndOfSpace;
  return (call) =>
    losesMappings && call.call === 'map' && call.iova + call.size === END_OF_SPACE
      ? 'Linux before 6.18 loses a mapping that ends at 2^64, and hangs when the group is closed (host fact D12)'
      : undefined;
}

function whyNotSentOnSpapr(session: SessionOn<'spapr-tce-v2'>): WhyNotSent {
  const { info, steps } = session;
  // A window is never smaller than the smallest that the session asks for, so a range in that many bytes ends in it.
  const windows = steps.flatMap(({ call }) =>
    call.call === 'create-window' && call.size > 0n ? [call.size] : [],
  );
  const smallest = windows.reduce(lesser, info.defaultWindow.size);
  const refusedWindow = answerOnModel(session).findIndex(
    (answer) => isAnswered(answer) && answer.errno === Errno.ENODEV,
  );
  return (call, index) => {
    if (refusedWindow >= 0 && index >= refusedWindow)
      return 'after a window that the hypervisor refuses, Linux makes no other one (host fact D19)';
    if (call.call === 'register' && mayUseUpMemory(call.size))
      return 'Linux may run out of memory for the list of the block, and stop (host fact R3.6.6)';
    if (call.call !== 'map' || call.size === 0n) return undefined;
    const start = call.iova >= PSERIES_WINDOW ? call.iova - PSERIES_WINDOW : call.iova;
    return start + call.size > smallest
      ? 'Linux stops at a map that ends behind its window (host fact D6)'
      : undefined;
  };
}
