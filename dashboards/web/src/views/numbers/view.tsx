// Whom not to send to: how many are dead and why, what it cost, a list checked before a mailing, and one number.
import './numbers.css'
import { may } from '../../api/client'
import { Changes } from './changes'
import { Check } from './check'
import { Cost } from './cost'
import { Dead } from './dead'
import { DeadList } from './list'
import { One } from './one'
import { OptOuts } from './optouts'

export default function Numbers() {
  return (
    <div class="cards">
      <Dead />
      {may('analyst') ? <Cost /> : null}
      <Check />
      <DeadList />
      <One />
      <OptOuts />
      <Changes />
    </div>
  )
}
