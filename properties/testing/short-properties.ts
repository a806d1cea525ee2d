import * as fc from 'fast-check';

/** In milliseconds. A code mutant that a property notices at all, the property nearly always notices soon. */
const LONGEST = 100;

fc.configureGlobal({ ...fc.readConfigureGlobal(), interruptAfterTimeLimit: LONGEST });
