import type { AnsweredSession, HostTarget } from '../../host-target.ts';
import { answerOnModel } from '../../model/model-answers.ts';
import type { CallAnswer, HostCall } from '../../session/host-call.ts';
import type { HostSession } from '../../session/host-session.ts';

/** Changes the model's answer to a call. `index` is the number of the call. */
export type Mutant = (answer: CallAnswer, call: HostCall, index: number) => CallAnswer;

/** A kernel that answers as the model, but for what a mutant changes. */
export class FakeKernel implements HostTarget {
  readonly name = 'the fake kernel';
  /** The sessions that were asked. */
  readonly asked: HostSession[] = [];
  readonly #mutant: Mutant;

  constructor(mutant: Mutant = (answer) => answer) {
    this.#mutant = mutant;
  }

  answer(session: HostSession): Promise<AnsweredSession> {
    this.asked.push(session);
    const answers = answerOnModel(session).map((answer, index) =>
      this.#mutant(answer, session.steps[index]!.call, index),
    );
    return Promise.resolve({ session, answers });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
