import React from 'react';

import { ScopeFields } from '../../editors/ScopeFields';
import type { EditorProps } from '../kind';
import type { TopologyQuery } from './query';

export function TopologyEditor({ datasource, query, onChange }: EditorProps<TopologyQuery>) {
  return (
    <ScopeFields
      datasource={datasource}
      idPrefix={query.refId}
      scope={query.scope}
      onChange={(scope) => onChange({ scope })}
    />
  );
}
