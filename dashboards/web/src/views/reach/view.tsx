// Who can be reached on which channel, how channels overlap, and which is the best for each person.
import './reach.css'
import { useAnswer } from '../../api/answer'
import { may } from '../../api/client'
import { reportPath } from '../../api/paths'
import type { Report } from '../../api/types'
import { Cards } from '../../parts/cards'
import { scope } from '../../state/scope'
import { Audience } from './audience'
import { BestChannel } from './best'
import { Overlap } from './overlap'
import { Penetration } from './penetration'
import { Subscribers } from './subscribers'
import type { PenetrationRow } from './types'

export default function Reach() {
  const figures = may('marketer', 'analyst')
  const people = may('crm')
  const reached = useAnswer<Report<PenetrationRow>>(figures ? reportPath('penetration', scope.value) : null)
  return (
    <Cards of={reached} always={people ? <Subscribers /> : null}>
      {figures ? <Penetration /> : null}
      {figures ? <Overlap /> : null}
      {figures ? <Audience /> : null}
      {people ? <BestChannel /> : null}
    </Cards>
  )
}
