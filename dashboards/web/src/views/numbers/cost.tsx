import { useAnswer } from '../../api/answer'
import { before, reportPath } from '../../api/paths'
import type { Report } from '../../api/types'
import { w } from '../../i18n'
import { f } from '../../i18n/format'
import { Card } from '../../parts/card'
import { Figure, Figures } from '../../parts/figure'
import { Beside } from '../../parts/states'
import { Table, type Column } from '../../parts/table'
import { scope } from '../../state/scope'
import { None, useCounts } from './parts'
import type { DeadSpendRow } from './types'
import { ruleName } from './words'

/** Cost is what was spent in the period on numbers that were dead already. */
export function Cost() {
  const t = w().numbers
  const s = scope.value
  const counts = useCounts()
  const answer = useAnswer<Report<DeadSpendRow>>(reportPath('dead-spend', s, { group_by: '' }), counts)
  const rules = useAnswer<Report<DeadSpendRow>>(reportPath('dead-spend', s, { group_by: 'rule' }), counts)
  const earlier = useAnswer<Report<DeadSpendRow>>(s.compare
    ? reportPath('dead-spend', before(s), { group_by: '' }) : null, counts)
  return (
    <Card id="cost" lines={14} title={t.cost} answer={answer} report="dead-spend" definition="avoidable_cost"
      none={<None text={t.noCost} />}
      chart={(data) => data.rows.map((row) => {
        const was = earlier.data?.rows.find((one) => one.currency === row.currency)
        const money = (amount: string | undefined): string => f.value.money(amount, row.currency)
        return (
          <Figures key={row.currency}>
            <Figure main name={t.avoidable} value={money(row.avoidable_cost)}
              before={was && money(was.avoidable_cost)} />
            <Figure name={t.spent} value={money(row.cost)} before={was && money(was.cost)} />
            <Figure name={t.attempts} value={f.value.count(row.attempts)} of={t.attemptsOf}
              before={was && f.value.count(was.attempts)} />
            <Figure name={t.anyway} value={f.value.count(row.delivered)} of={t.anywayOf} />
            {row.unpriced > 0 ? <Figure name={t.unpriced} value={f.value.count(row.unpriced)} /> : null}
          </Figures>
        )
      })}
      table={() => <Beside answer={rules}>{({ rows }) => <Rules rows={rows} />}</Beside>}
      sentence={(data) => t.costWord(data.rows.reduce((sum, row) => sum + row.attempts, 0))} />
  )
}

function Rules({ rows }: { rows: readonly DeadSpendRow[] }) {
  const t = w().numbers
  const money = (key: 'cost' | 'avoidable_cost', head: string): Column<DeadSpendRow> =>
    ({ key, head, show: (row) => f.value.money(row[key], row.currency), sort: (row) => Number(row[key]) })
  const count = (key: 'attempts' | 'delivered' | 'unpriced', head: string): Column<DeadSpendRow> =>
    ({ key, head, show: (row) => f.value.count(row[key]), sort: (row) => row[key] })
  const columns: readonly Column<DeadSpendRow>[] = [
    { key: 'rule', head: t.rule, kind: 'text', show: (row) => ruleName(row.rule ?? ''),
      sort: (row) => ruleName(row.rule ?? '') },
    money('avoidable_cost', t.avoidable), money('cost', t.spent), count('attempts', t.attempts),
    count('delivered', t.anyway), count('unpriced', t.unpriced),
  ]
  return <Table label={t.cost} columns={columns} rows={rows} first={{ key: 'avoidable_cost', down: true }}
    rowKey={(row) => `${row.rule} ${row.currency}`} />
}
