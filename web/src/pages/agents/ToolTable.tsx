import type { AgentMetrics } from '@/api/types';
import { cleanLine } from '@/parts/clean';
import { DataTable } from '@/parts/DataTable';
import { span } from '@/parts/timewords';

import { percent } from './steps';

/** Each tool: how often, how well, how long. */
export function ToolTable({ tools }: { tools: AgentMetrics['by_tool'] }) {
  return (
    <DataTable
      label="By tool"
      columns={[
        { head: 'Tool', width: '30%' },
        { head: 'Used', isRight: true, width: '100px' },
        { head: 'Failed', isRight: true, width: '110px' },
        { head: 'Good', isRight: true, width: '90px' },
        { head: 'Each took', isRight: true, width: '90px' },
      ]}
      rows={tools.map((row) => ({
        key: row.tool,
        cells: [
          <code key="tool">{cleanLine(row.tool)}</code>,
          row.used,
          row.failed,
          row.used > 0 && percent(1 - row.failed / row.used),
          row.mean_duration_ms != null && span(row.mean_duration_ms),
        ],
      }))}
      empty="No tool was used yet."
    />
  );
}
