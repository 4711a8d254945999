// The mailings of the period, or one of them: the one that the filter by mailing names.
import { useAnswer } from '../../api/answer'
import { may } from '../../api/client'
import type { ChannelRow, Report } from '../../api/types'
import { w } from '../../i18n'
import { Cards } from '../../parts/cards'
import { nameOf } from '../../parts/names'
import { scope } from '../../state/scope'
import { toQuery } from '../../state/url'
import { Saved } from '../savings/saved'
import { Find } from './find'
import { List } from './list'
import { Recipients } from './recipients'
import { Sum } from './sum'
import { stepsPath, What } from './what'
import { Why } from './why'

export default function Campaigns() {
  const names = scope.value.filters.campaign ?? []
  const reports = may('marketer', 'analyst')
  const steps = useAnswer<Report<ChannelRow>>(reports && names.length === 1 ? stepsPath() : null)
  if (names.length !== 1) {
    return (
      <div class="cards">
        <List />
        <Find />
      </div>
    )
  }
  return (
    <Cards of={steps} first={<Head name={names[0] ?? ''} />}>
      {reports ? <Sum /> : null}
      {reports ? <What /> : null}
      {reports ? <Why /> : null}
      {may('analyst') ? <Saved /> : null}
      <Recipients />
    </Cards>
  )
}

function Head({ name }: { name: string }) {
  return (
    <div class="card-head">
      <h2 class="heading"><bdi>{nameOf(name)}</bdi></h2>
      <a href={toQuery({ campaign: null, status: null, via: null, table: null })}>{w().campaigns.all}</a>
    </div>
  )
}
