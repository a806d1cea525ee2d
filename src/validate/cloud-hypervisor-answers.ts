import type { CloudHypervisorRules } from '../cloud-hypervisor/index.ts';
import {
  ATTRIBUTES,
  FLAG,
  OFFSET,
  YES_OR_NO,
  isArea,
  isErrno,
  isLayout,
  isListOf,
  isObject,
  isSize,
  oneOf,
  orNothing,
  returns,
  value,
  type RuleAnswer,
} from './rule-answers.ts';

const SIZE = returns('a size in bytes, a bigint', isSize);
const REUSE = value('"last-freed" or "never"', oneOf('last-freed', 'never'));

/** What the rules of cloud-hypervisor may return. */
export const CLOUD_HYPERVISOR_ANSWERS: { readonly [Rule in keyof CloudHypervisorRules]-?: RuleAnswer } = {
  hole: returns('{ offset, size }, both bigints, or undefined', orNothing(isArea)),
  mmapLength: returns('a size in bytes, a bigint, or undefined', orNothing(isSize)),
  mmapAlignment: SIZE,
  excludesMmap: FLAG,
  movesEnabledBar: value('"at-once" or "with-next-write"', oneOf('at-once', 'with-next-write')),
  undoesRefusedMove: FLAG,
  isProbe: YES_OR_NO,
  fixUpMsix: returns(
    '{ size, layout }',
    (answer) => isObject(answer) && isSize(answer['size']) && isLayout(answer['layout']),
  ),
  alignment: SIZE,
  allocatedSize: SIZE,
  allocates: value('"from-the-top" or "from-the-bottom"', oneOf('from-the-top', 'from-the-bottom')),
  freesAddresses: FLAG,
  movesInAllocator: FLAG,
  moveSteps: value(
    'an array of "unmap-dma", "remove-slot", "create-slot" and "map-dma"',
    isListOf(oneOf('unmap-dma', 'remove-slot', 'create-slot', 'map-dma')),
  ),
  removes: value(
    'an array of "dma-mappings", "slots" and "mmaps"',
    isListOf(oneOf('dma-mappings', 'slots', 'mmaps')),
  ),
  slotNumber: returns('the number of a slot, from 0', isErrno),
  mapsRam: YES_OR_NO,
  barAttributes: ATTRIBUTES,
  barSize: SIZE,
  removesAreas: value('"all" or "first"', oneOf('all', 'first')),
  slotReuse: REUSE,
  mapsDeviceMemory: FLAG,
  mapFailure: value('"device-refused" or "ignored"', oneOf('device-refused', 'ignored')),
  closesContainer: FLAG,
  emulatesTable: FLAG,
  routesToTable: YES_OR_NO,
  tableAnswers: YES_OR_NO,
  regionOffset: OFFSET,
  rebootFreesAddresses: FLAG,
  commits: value('"before-mapping" or "after-mapping"', oneOf('before-mapping', 'after-mapping')),
};
