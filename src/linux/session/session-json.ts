import { hex } from '../../address/index.ts';
import type { CallAnswer, AnsweredCall, FieldValue, HostCall } from './host-call.ts';
import { isAnswered } from './host-call.ts';
import type { HostSession, SessionDevice } from './host-session.ts';

/** The JSON form of a field: a bigint becomes a hex string. */
export function fieldToJson(value: FieldValue): unknown {
  if (typeof value === 'bigint') return hex(value);
  if (typeof value !== 'object') return value;
  if ('area' in value) return `${value.area}+${hex(value.offset)}`;
  return value.map((one) => {
    if (!('length' in one)) return 'sparse' in one ? { sparse: one.sparse.map(pairToJson) } : one;
    return pairToJson(one);
  });
}

const pairToJson = ([first, second]: readonly [bigint, bigint]): [string, string] => [
  hex(first),
  hex(second),
];

const fieldsToJson = (fields: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, fieldToJson(value as FieldValue)]));

/** The fields that the caller passes, in the order of the session's form. */
export const passedToJson = (call: HostCall): Record<string, unknown> =>
  fieldsToJson(Object.fromEntries(Object.entries(call).filter(([name]) => name !== 'call')));

/** An answer as the fields of a call. */
export const answerToJson = (answer: CallAnswer): Record<string, unknown> =>
  isAnswered(answer)
    ? { ret: answer.ret, errno: answer.errno, ...fieldsToJson(answer.returned) }
    : { unanswered: answer.unanswered };

/** The fields that a kernel returned. */
export const returnedToJson = ({ returned }: AnsweredCall): Record<string, unknown> => fieldsToJson(returned);

/** A session as JSON, with the answers of a target instead of the recorded ones. */
export function sessionToJson(session: HostSession, answers: readonly CallAnswer[]): Record<string, unknown> {
  const { id, seed, kernel, arch, pageSize, iommu, container, info, device, areas, steps } = session;
  return {
    ...{
      id,
      ...(seed === undefined ? {} : { seed }),
      kernel,
      arch,
      pageSize: hex(pageSize),
      iommu,
      container,
    },
    info: {
      ...infoToJson(info),
      device: deviceToJson(device),
      backings: areas.map(({ name, address, size }) => ({
        ...{ name, address: hex(address) },
        ...(name === 'abs' ? {} : { size: hex(size) }),
      })),
    },
    calls: steps.map(({ call }, index) => ({
      call: call.call,
      ...passedToJson(call),
      ...answerToJson(answers[index] ?? { unanswered: 'the session ended before this call' }),
    })),
  };
}

const infoToJson = (info: HostSession['info']): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(info).map(([name, value]: [string, unknown]) => {
      if (name === 'defaultWindow') return [name, fieldsToJson(value as Record<string, unknown>)];
      if (name === 'readonlyMem') return [name, value === true ? 1 : 0];
      return [name, fieldToJson(value as FieldValue)];
    }),
  );

function deviceToJson({ bdf, open, bars, otherRegions, msix }: SessionDevice): Record<string, unknown> {
  return {
    ...{ bdf, open, ...fieldsToJson({ ...otherRegions }) },
    bars: bars.map(({ index, size, type, prefetch, start, mmapFlag, othersInPage }) => ({
      ...{ index, size: hex(size), type, prefetch },
      ...(start === undefined ? {} : { start: hex(start) }),
      ...(mmapFlag === undefined ? {} : { mmapFlag }),
      ...(othersInPage.length === 0
        ? {}
        : { othersInPage: othersInPage.map(({ first, last, name }) => [hex(first), hex(last), name]) }),
    })),
    ...(msix && {
      msix: {
        vectors: msix.vectors,
        table: { bir: msix.table.bir, offset: hex(msix.table.offset) },
        pba: { bir: msix.pba.bir, offset: hex(msix.pba.offset) },
      },
    }),
  };
}
