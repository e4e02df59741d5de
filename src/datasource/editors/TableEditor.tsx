import { Stack } from '@grafana/ui';
import React from 'react';

import type { EditorProps, QueryBase } from '../kinds/kind';
import type { Page } from '../page';
import type { Scope } from '../scope';
import { PageFields } from './PageFields';
import { ScopeFields } from './ScopeFields';

interface TableQuery extends QueryBase, Page {
  scope: Scope;
}

/** The fields of a query that answers with a table of clusters: its scope, those of its kind, and its page. */
export function TableEditor<Q extends TableQuery>({
  datasource,
  query,
  onChange,
  onRunQuery,
  children,
}: React.PropsWithChildren<EditorProps<Q>>) {
  // TypeScript cannot see that a part of a TableQuery is a part of any query that extends it.
  const change = onChange as EditorProps<TableQuery>['onChange'];
  return (
    <>
      <ScopeFields
        datasource={datasource}
        idPrefix={query.refId}
        scope={query.scope}
        onChange={(scope) => change({ scope })}
      />
      <Stack direction="row" gap={2} wrap="wrap" alignItems="flex-end">
        {children}
        <PageFields
          idPrefix={query.refId}
          limit={query.limit}
          offset={query.offset}
          onChange={change}
          onRunQuery={onRunQuery}
        />
      </Stack>
    </>
  );
}
