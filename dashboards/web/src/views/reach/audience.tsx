import { useAnswer } from '../../api/answer'
import { reportPath } from '../../api/paths'
import type { Report } from '../../api/types'
import { w } from '../../i18n'
import { f } from '../../i18n/format'
import { Card } from '../../parts/card'
import { scope } from '../../state/scope'
import { Sets } from './sets'
import type { OverlapRow, PenetrationRow } from './types'

/** Audience is how many people can be reached on which channels, all channels told apart. */
export function Audience() {
  const t = w().reach
  const first = useAnswer<Report<PenetrationRow>>(reportPath('penetration', scope.value))
  const answer = useAnswer<Report<OverlapRow>>(reportPath('overlap', scope.value), first)
  return (
    <Card id="audience" lines={24} title={t.audience} answer={answer} report="overlap"
      table={(data) => <Sets label={t.audience} rows={data.rows} none={t.no} />}
      sentence={(data) => {
        const nobody = data.rows.find((row) => row.channels === '')
        return nobody ? t.audienceWord(nobody.people, f.value.rate(nobody.share)) : null
      }} />
  )
}
