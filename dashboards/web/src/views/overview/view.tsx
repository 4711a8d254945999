// Whether messages arrive, what they saved, whom not to send to, how it develops, and what somebody should look at.
import { may } from '../../api/client'
import { Arrive, Whom } from './arrive'
import { Attention } from './attention'
import { Changes } from './changes'
import { Saved } from './saved'
import { Trend } from './trend'

export default function Overview() {
  return (
    <div class="cards">
      {may('marketer', 'analyst') ? <Arrive /> : null}
      {may('analyst') ? <Saved /> : null}
      <Attention />
      {may('marketer', 'analyst') ? <Trend /> : null}
      {may('marketer', 'analyst') ? <Changes /> : null}
      <Whom />
    </div>
  )
}
