import { END_OF_SPACE } from '../address/index.ts';
import type { CloudHypervisorRules } from '../cloud-hypervisor/index.ts';
import { FlatRange } from '../memory/index.ts';
import type { Revision } from '../vfio/index.ts';
import { CLOUD_HYPERVISOR_ANSWERS } from './cloud-hypervisor-answers.ts';
import {
  value,
  returns,
  isAddress,
  isSize,
  isPageSize,
  oneOf,
  orNothing,
  isReason,
  isSpan,
  isArea,
  isExposure,
  isRelocated,
  isMemslot,
  isDecoding,
  isUnmapResult,
  isErrno,
  isRegionInfo,
  isListOf,
  isObject,
  ATTRIBUTES,
  YES_OR_NO,
  PAGE_SIZE,
  OFFSET,
  LAYOUT,
  AREAS,
  SPAN,
  ERRNO,
  REGION,
  PRIORITY,
  FLAG,
  FATAL_OR_NOT,
  type RuleAnswer,
} from './rule-answers.ts';

export type { RuleAnswer, RuleAnswers } from './rule-answers.ts';

/** The groups of rules that a patch may change: the parts of a `Revision` with these names. */
export type RuleGroup =
  | 'cloudHypervisor'
  | 'container'
  | 'listener'
  | 'device'
  | 'memslots'
  | 'access'
  | 'machine'
  | 'memory'
  | 'pci'
  | 'host';

const isText = (answer: unknown): boolean => typeof answer === 'string' && answer !== '';

const isRom = (answer: unknown): boolean =>
  isObject(answer) && [answer['size'], answer['contents']].every((bytes) => bytes === 0n || isSize(bytes));

const isStretch = (answer: unknown): boolean =>
  isObject(answer) && typeof answer['start'] === 'bigint' && typeof answer['end'] === 'bigint';

/** The compiler requires an answer for every rule of a group. */
type AnswersTo<Group extends RuleGroup> = { readonly [Rule in keyof RulesOf<Group>]-?: RuleAnswer };

/** The rules of a group: those of cloud-hypervisor, or a part of a revision of QEMU. */
export type RulesOf<Group extends RuleGroup> = Group extends keyof Revision
  ? Revision[Group]
  : CloudHypervisorRules;

export const RULES: { readonly [Group in RuleGroup]: AnswersTo<Group> } = {
  cloudHypervisor: CLOUD_HYPERVISOR_ANSWERS,
  container: {
    shared: value('"all-devices" or "one-each"', oneOf('all-devices', 'one-each')),
    closes: value(
      '"with-last-device", "with-any-device" or "never"',
      oneOf('with-last-device', 'with-any-device', 'never'),
    ),
    registrationFailure: value(
      '"device-refused", "ignored" or "fatal"',
      oneOf('device-refused', 'ignored', 'fatal'),
    ),
    teardown: value('"unregister-first" or "close-first"', oneOf('unregister-first', 'close-first')),
    space: value('"of-devices" or "system-memory"', oneOf('of-devices', 'system-memory')),
    listenerPriority: PRIORITY,
    registersRam: YES_OR_NO,
    unalignedRam: value('"left-out" or "registered"', oneOf('left-out', 'registered')),
    unregistersRam: FLAG,
    removesDefaultWindow: FLAG,
    windowSize: returns('a size in bytes, a bigint', isSize),
    windowPageSize: returns(
      'a page size in bytes, a bigint, or 0n for none',
      (answer) => answer === 0n || isPageSize(answer),
    ),
    windowLevels: returns('a whole number', isErrno),
    removesWindows: FLAG,
  },
  listener: {
    skip: returns('undefined, or a reason such as "unaligned"', orNothing(isReason)),
    reportsSkip: YES_OR_NO,
    alignment: PAGE_SIZE,
    trim: returns(
      '{ start, size }, both bigints, or a reason such as "empty"',
      (answer) => isSpan(answer) || isReason(answer),
    ),
    mapsDeviceMemory: YES_OR_NO,
    backingOffset: OFFSET,
    mapsReadonly: YES_OR_NO,
    unmaps: YES_OR_NO,
    unmapSpan: SPAN,
    followsDiscards: YES_OR_NO,
    populateUnit: PAGE_SIZE,
    discardSpan: returns('{ start, size }, both bigints, or undefined for no request', orNothing(isSpan)),
    rollsBackPopulate: FLAG,
    dirtyRange: returns('the name of a range, or undefined', orNothing(isText)),
    discardLimit: value('"refused" or "warned"', oneOf('refused', 'warned')),
    whenMapped: value('"failure" or "unmap-and-retry"', oneOf('failure', 'unmap-and-retry')),
    deviceMemoryFailure: FATAL_OR_NOT,
    ramFailure: FATAL_OR_NOT,
    reportsFailedUnmap: FLAG,
    missingWindow: value('"fatal" or "ignored"', oneOf('fatal', 'ignored')),
    whenUnregistered: value('"nothing", "unmap" or "map"', oneOf('nothing', 'unmap', 'map')),
  },
  device: {
    barAttributes: ATTRIBUTES,
    sparseAreas: returns(`${AREAS}, or undefined for the whole BAR`, orNothing(isListOf(isArea))),
    checkLocation: returns(
      'nothing; it throws DeviceRefused for a layout that it does not accept',
      () => true,
    ),
    correctPbaOffset: returns('an offset in bytes, a bigint, or undefined', orNothing(isAddress)),
    toleratesPbaBeyondBarWhenRelocated: FLAG,
    honoursNoMmap: FLAG,
    honoursMmapFlag: FLAG,
    mmapOffset: OFFSET,
    mmapsWritable: YES_OR_NO,
    honoursWriteFlag: FLAG,
    honoursMsixMappable: FLAG,
    fixUpAreas: returns(AREAS, isListOf(isArea)),
    fixUp: value('"before-relocation" or "after-relocation"', oneOf('before-relocation', 'after-relocation')),
    baseRegion: FLAG,
    mmapParent: REGION,
    mmapPriority: PRIORITY,
    msixParent: REGION,
    msixExposure: returns(
      '{ kind: "emulated" }, "table-disabled", "not-added" or "capability-rewritten" with a layout',
      isExposure,
    ),
    relocation: FLAG,
    relocate: returns('{ barSize, tableOffset, pbaOffset }, all bigints', isRelocated),
    relocationWithoutMsix: value('"ignored" or "crash"', oneOf('ignored', 'crash')),
    emulatedLayout: LAYOUT,
    emulatedTableSize: returns('a size in bytes, a bigint', isSize),
    emulatedPbaSize: returns('a size in bytes, a bigint', isSize),
    resizableBar: value(
      '"hidden", "present-size" or "as-device"',
      oneOf('hidden', 'present-size', 'as-device'),
    ),
    quirks: returns(
      'an array of quirks { name, offset, size }',
      isListOf((answer) => isArea(answer) && isObject(answer) && typeof answer['name'] === 'string'),
    ),
    showsPba: FLAG,
    msixPriority: PRIORITY,
    registeredSize: returns('a size in bytes, a bigint', isSize),
    releasesAreas: YES_OR_NO,
    unplugOrder: value('"bars-first" or "mmaps-first"', oneOf('bars-first', 'mmaps-first')),
    mmapFailure: value('"no-area" or "other-areas"', oneOf('no-area', 'other-areas')),
    resetRestores: value(
      '"power-on", "nothing", "bars-only" or "command-only"',
      oneOf('power-on', 'nothing', 'bars-only', 'command-only'),
    ),
    resetStopsDecoding: FLAG,
    resetsMsix: FLAG,
    tableFollowsBar: FLAG,
    followsMoves: FLAG,
    hotplugRefusal: value('"reported" or "crash"', oneOf('reported', 'crash')),
    hotplugMsixRefusal: value('"reported" or "crash"', oneOf('reported', 'crash')),
    msixUnplug: value('"done" or "crash"', oneOf('done', 'crash')),
    exportsDmaBuf: FLAG,
    dmaBufStart: returns('an offset in bytes, a bigint', isSize),
    mmapAlignment: PAGE_SIZE,
    subPageSize: returns('a size in bytes, a bigint', isSize),
    stretchedPriority: PRIORITY,
    wrapperShrinks: FLAG,
    showsRom: YES_OR_NO,
    romSize: returns(
      'a size in bytes, a bigint, or 0n for none',
      (answer) => answer === 0n || isSize(answer),
    ),
  },
  memslots: {
    span: returns('{ start, size }, both bigints, or undefined for no slot', orNothing(isMemslot)),
    slotNumber: returns('the number of a slot, from 0', isErrno),
    isDirect: YES_OR_NO,
    isReadonly: YES_OR_NO,
    logsDirtyPages: YES_OR_NO,
    deletesForFlags: YES_OR_NO,
    fetchesDirtyLog: FLAG,
    largestSlot: value(
      'a size in bytes, a bigint, or 0n for no limit',
      (answer) => answer === 0n || isPageSize(answer),
    ),
    slotLimit: value('a whole number, 0 for no limit', isErrno),
    reuse: value('"last-freed" or "never"', oneOf('last-freed', 'never')),
    refusal: value('"fatal" or "ignored"', oneOf('fatal', 'ignored')),
    deletes: FLAG,
    update: value('"immediately" or "at-commit"', oneOf('immediately', 'at-commit')),
  },
  access: {
    clampsToSection: YES_OR_NO,
    pieceWidth: returns('1, 2, 4 or 8', (answer) => [1, 2, 4, 8].includes(answer as number)),
    route: returns(
      '"table", "pba", "config-space" or "device"',
      oneOf('table', 'pba', 'config-space', 'device'),
    ),
    accepts: YES_OR_NO,
    polledVectors: returns(
      '{ first, end }, both whole numbers',
      (answer) => isObject(answer) && isErrno(answer['first']) && isErrno(answer['end']),
    ),
    deviceOffset: OFFSET,
    reachesRom: YES_OR_NO,
  },
  machine: {
    mmioInPhbDmaSpace: FLAG,
    phbResetNeedsKernelContainer: FLAG,
    avoidsHyperTransport: FLAG,
    checksPhysBits: FLAG,
    xive: FLAG,
    cpuSpaceName: value('one line of text', isText),
  },
  memory: {
    settle: returns(
      'an array of flat ranges',
      isListOf((answer) => answer instanceof FlatRange),
    ),
    mergeable: YES_OR_NO,
    sameRange: YES_OR_NO,
    commits: value('"outermost" or "every"', oneOf('outermost', 'every')),
    notices: YES_OR_NO,
    passes: value('"removals-first" or "additions-first"', oneOf('removals-first', 'additions-first')),
    registration: value(
      '"complete", "without-commit" or "silent"',
      oneOf('complete', 'without-commit', 'silent'),
    ),
    notifiesDiscard: YES_OR_NO,
    replayed: returns('an array of { start, end }, both bigints', isListOf(isStretch)),
    plugRefusal: value('"refused" or "ignored"', oneOf('refused', 'ignored')),
    resetUnplugs: FLAG,
    notifiesLogging: YES_OR_NO,
  },
  pci: {
    decodeBar: returns('{ address } with a bigint, or { unmapped } with a reason', isDecoding),
    writableBits: returns('the writable bits of the register, a bigint', (answer) => isAddress(answer)),
    acceptsWrite: YES_OR_NO,
    barPriority: PRIORITY,
    movesOnReset: FLAG,
    decodesWhileDisabled: FLAG,
    decodesOutsideD0: FLAG,
    hasMoved: YES_OR_NO,
    unmapsOnUnplug: FLAG,
    romWritableBits: returns('the writable bits of the register, a bigint', (answer) => isAddress(answer)),
    acceptsRomWrite: YES_OR_NO,
    honoursRomEnable: FLAG,
    movesOnRomWrite: FLAG,
    resetsRom: FLAG,
    unmapsRomOnUnplug: FLAG,
    romfileSize: returns('a size in bytes, a bigint', isSize),
  },
  host: {
    pageSizes: returns(
      'a bitmap of page sizes, a bigint',
      (answer) => isSize(answer) && (answer as bigint) < END_OF_SPACE,
    ),
    regionInfo: returns(
      '{ size, flags, capabilities }, the size a bigint below 2^64, with the capabilities that a kernel knows',
      isRegionInfo,
    ),
    rom: returns('{ size, contents }, both bigints', isRom),
    mmap: ERRNO,
    checksApertures: FLAG,
    unmapSpan: SPAN,
    unmap: returns('{ errno, unmapped } with a number and a bigint', isUnmapResult),
    refusesMap: ERRNO,
  },
};
