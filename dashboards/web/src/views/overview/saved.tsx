import { useAnswer } from '../../api/answer'
import { pathOf } from '../../api/paths'
import type { Overview } from '../../api/types'
import { w } from '../../i18n'
import { f } from '../../i18n/format'
import { Card } from '../../parts/card'
import { Figure, Figures } from '../../parts/figure'
import { dateIn, presetPeriod } from '../../state/period'
import { clock, scope, toView } from '../../state/scope'
import { useFirst } from './first'

type Row = NonNullable<Overview['money']>['rows'][number]

/** priced are the rows that have money: one for each currency. */
function priced(data: Overview | undefined): readonly Row[] {
  return data?.money?.rows.filter((row) => row.saved_reached !== null) ?? []
}

export function Saved() {
  const t = w().overview
  const { now, was } = useFirst()
  const stamped = {
    ...now,
    data: now.data && { ...now.data, ...(now.data.money ? { mature: now.data.money.mature } : {}) },
  }
  return (
    <Card
      id="saved"
      lines={12.2}
      title={t.saved}
      answer={stamped}
      report="overview"
      definition="saved_reached"
      files={false}
      chart={(data) => {
        const rows = priced(data)
        if (rows.length === 0) {
          return (
            <div class="state">
              <strong>{t.notPriced}</strong>
              <a class="button" href={toView('/settings')}>
                {t.setPrices}
              </a>
            </div>
          )
        }
        return rows.map((row) => {
          const before = priced(was).find((one) => one.currency === row.currency)
          const money = (amount: string | null | undefined): string => f.value.money(amount, row.currency)
          return (
            <Figures key={row.currency}>
              <Figure
                main
                name={t.savedOn}
                value={money(row.saved_reached)}
                of={t.messages(row.priced_messages)}
                before={before && money(before.saved_reached)}
              />
              <Figure name={t.asSMS} value={money(row.sms_only_cost)} before={before && money(before.sms_only_cost)} />
              <Figure
                name={t.paid}
                value={money(row.actual_cost)}
                of={data.money ? t.version(data.money.tariff_version) : null}
                before={before && money(before.actual_cost)}
              />
              <Figure name={t.unreached} value={money(row.saved_unreached)} />
              <Month currency={row.currency} />
            </Figures>
          )
        })
      }}
      sentence={(data) => {
        const [row] = priced(data)
        return row ? (
          <>
            {t.savedWord(f.value.money(row.actual_cost, row.currency), f.value.money(row.sms_only_cost, row.currency))}{' '}
            <a href={toView('/savings')}>{w().views.savings}</a>
          </>
        ) : null
      }}
    />
  )
}

// A month of fewer whole days says little by itself: the one before stands beside it.
const YOUNG_DAYS = 7

// What was saved since the month began, which is what the overview is of where nothing else is asked.
function Month({ currency }: { currency: string }) {
  const t = w().overview
  const s = scope.value
  const today = dateIn(s.tz, clock.value)
  const young = Number(today.slice(8)) <= YOUNG_DAYS
  const last = presetPeriod('last_month', today)
  const of = { tz: s.tz, account: s.account || undefined }
  const { data } = useAnswer<Overview>(pathOf('/v1/overview', of))
  const { data: before } = useAnswer<Overview>(
    young ? pathOf('/v1/overview', { ...of, from: last.from, to: last.to }) : null
  )
  const saved = (month: Overview | undefined): string =>
    f.value.money(priced(month).find((one) => one.currency === currency)?.saved_reached, currency)
  return (
    <>
      <Figure name={t.thisMonth} value={saved(data)} of={data?.messages === 0 ? t.noneYet : t.soFar} />
      {young ? <Figure name={t.lastMonth} value={saved(before)} of={t.ofMonth} /> : null}
    </>
  )
}
