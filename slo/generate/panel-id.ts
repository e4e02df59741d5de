// Ids of dashboard panels.
import { createHash } from 'node:crypto';

/**
 * An id made from a panel's type and title, so that a link to it (`?viewPanel=`) stays good when others are added or moved.
 * Grafana wants a positive number below 2³¹.
 */
export const panelId = (type: string, title: string) =>
  createHash('sha256').update(`${type}: ${title}`).digest().readUInt32BE(0) & 0x7fffffff || 1;
