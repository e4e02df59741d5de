import type { ColumnId } from './columnIds';
import { columns } from './columns';
import type { InspectionRow } from './rows';

export interface Sorting {
  column: ColumnId;
  direction: 'ascending' | 'descending';
}

/** Sorts by a column; rows without a value come last, and without a sorting the datasource's order stays. */
export function sorted(rows: InspectionRow[], sorting: Sorting | undefined): InspectionRow[] {
  if (!sorting) {
    return rows;
  }
  const { sortValue } = columns[sorting.column];
  const sign = sorting.direction === 'ascending' ? 1 : -1;
  return [...rows].sort((left, right) => {
    const [a, b] = [sortValue(left), sortValue(right)];
    if (a === undefined || b === undefined) {
      return Number(a === undefined) - Number(b === undefined);
    }
    return sign * (a < b ? -1 : a > b ? 1 : 0);
  });
}

/** A click on a column: ascending, descending, then the datasource's order again. */
export function nextSorting(current: Sorting | undefined, column: ColumnId): Sorting | undefined {
  if (current?.column !== column) {
    return { column, direction: 'ascending' };
  }
  return current.direction === 'ascending' ? { column, direction: 'descending' } : undefined;
}
