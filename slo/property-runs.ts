/** Inputs that each property is tried with. PROPERTY_RUNS sets another number for a longer search. */
export const propertyRuns = { numRuns: Number(process.env.PROPERTY_RUNS ?? 100) };
