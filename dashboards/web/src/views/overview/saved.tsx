import { useAnswer } from '../../api/answer'
import { before, reportPath } from '../../api/paths'
import type { Report, SavingsRow } from '../../api/types'
import { w } from '../../i18n'
import { f } from '../../i18n/format'
import { Card } from '../../parts/card'
import { Figure, Figures } from '../../parts/figure'
import { scope, toView } from '../../state/scope'

/** priced are the rows that have money: one for each currency. */
function priced(data: Report<SavingsRow>): readonly SavingsRow[] {
  return data.rows.filter((row) => row.saved_reached !== null)
}

export function Saved() {
  const t = w().overview
  const s = scope.value
  const answer = useAnswer<Report<SavingsRow>>(reportPath('savings', s))
  const earlier = useAnswer<Report<SavingsRow>>(s.compare ? reportPath('savings', before(s)) : null)
  return (
    <Card id="saved" title={t.saved} answer={answer} report="savings" definition="saved_reached"
      chart={(data) => {
        const rows = priced(data)
        if (rows.length === 0) {
          return (
            <div class="state">
              <strong>{t.notPriced}</strong>
              <a class="button" href={toView('/settings')}>{t.setPrices}</a>
            </div>
          )
        }
        return rows.map((row) => {
          const was = earlier.data?.rows.find((one) => one.currency === row.currency)
          const money = (amount: string | null | undefined): string => f.value.money(amount, row.currency)
          return (
            <Figures key={row.currency}>
              <Figure main name={t.savedOn} value={money(row.saved_reached)} of={t.messages(row.priced_messages)}
                before={was && money(was.saved_reached)} />
              <Figure name={t.asSMS} value={money(row.sms_only_cost)} before={was && money(was.sms_only_cost)} />
              <Figure name={t.paid} value={money(row.actual_cost)} before={was && money(was.actual_cost)} />
              <Figure name={t.unreached} value={money(row.saved_unreached)} of={data.tariff_version !== undefined ? t.version(data.tariff_version) : null} />
            </Figures>
          )
        })
      }}
      sentence={(data) => {
        const [row] = priced(data)
        return row ? t.savedWord(f.value.money(row.actual_cost, row.currency), f.value.money(row.sms_only_cost, row.currency)) : null
      }} />
  )
}
