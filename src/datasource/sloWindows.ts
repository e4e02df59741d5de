// Generated from slo/definitions/objectives.yaml by `npm run generate`. Do not edit.

/** The times over which the rules sum events, ascending; the last one is that of the error budget. */
export const sloWindows = ['5m', '30m', '1h', '2h', '6h', '1d', '3d', '30d'] as const;

/** The time that the error budget is for. */
export const budgetWindow = '30d';
