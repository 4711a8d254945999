// Who can be reached on which channel, how channels overlap, and which is the best for each person.
import './reach.css'
import { may } from '../../api/client'
import { Audience } from './audience'
import { BestChannel } from './best'
import { Overlap } from './overlap'
import { Penetration } from './penetration'
import { Subscribers } from './subscribers'

export default function Reach() {
  const figures = may('marketer', 'analyst')
  const people = may('crm')
  return (
    <div class="cards">
      {figures ? <Penetration /> : null}
      {figures ? <Overlap /> : null}
      {figures ? <Audience /> : null}
      {people ? <BestChannel /> : null}
      {people ? <Subscribers /> : null}
    </div>
  )
}
