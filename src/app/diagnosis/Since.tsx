import { dateTimeFormat, dateTimeFormatTimeAgo } from '@grafana/data';
import { Text } from '@grafana/ui';
import React from 'react';

/** Since when, in words; the time is shown on hover. */
export const Since = ({ time }: { time: number }) => (
  <time dateTime={new Date(time).toISOString()} title={dateTimeFormat(time)}>
    <Text color="secondary">since {dateTimeFormatTimeAgo(time)}</Text>
  </time>
);
