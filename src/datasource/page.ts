import { type Fields, integer } from './fields';

/** Tables are cut to `limit` rows on the server. */
export const defaultLimit = 100;
export const maxLimit = 1000;

/** Which rows of the whole answer a query asks for. */
export interface Page {
  limit: number;
  offset: number;
}

export const firstPage: Page = { limit: defaultLimit, offset: 0 };

export function pageOf(fields: Fields): Page {
  return {
    limit: integer(fields, 'limit', firstPage.limit, 1, maxLimit),
    offset: integer(fields, 'offset', firstPage.offset, 0, Number.MAX_SAFE_INTEGER),
  };
}
