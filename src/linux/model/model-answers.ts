import type { CallAnswer } from '../session/host-call.ts';
import type { HostSession } from '../session/host-session.ts';
import type { Answering } from './answering.ts';
import { iommufdAnswering } from './iommufd-answers.ts';
import { kvmAnswering } from './kvm-answers.ts';
import { regionAnswering } from './region-answers.ts';
import { spaprAnswering } from './spapr-answers.ts';
import { type1Answering } from './type1-answers.ts';

/** What `src/host` answers to the calls of a session, in order. */
export const answerOnModel = (session: HostSession): readonly CallAnswer[] => {
  const answer = answeringOf(session);
  return session.steps.map(({ call }) => answer(call));
};

function answeringOf(session: HostSession): Answering {
  switch (session.container) {
    case 'type1v2':
    case 'type1':
      return type1Answering(session);
    case 'kvm':
      return kvmAnswering(session);
    case 'spapr-tce-v2':
      return spaprAnswering(session);
    case 'region':
      return regionAnswering(session);
    case 'iommufd':
      return iommufdAnswering(session);
  }
}
