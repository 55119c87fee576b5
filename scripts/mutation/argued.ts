// Faults that no test notices, each with the reason: `file operator: line before -> line after`, as the audit prints it
// less the line's number. One that no longer exists is reported, so that nothing is argued that is not there.

/** They behave as the contract does, so they are no faults and do not count. */
export const ALIKE: Readonly<Record<string, string>> = {};

/** They count as survivors; why they may. */
export const ARGUED: Readonly<Record<string, string>> = {};
