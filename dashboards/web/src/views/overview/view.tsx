// Whether messages arrive, what they saved, how it develops, and what somebody should look at.
import { may } from '../../api/client'
import { Arrive } from './arrive'
import { Attention } from './attention'
import { Saved } from './saved'
import { Trend } from './trend'

export default function Overview() {
  return (
    <div class="cards">
      {may('marketer', 'analyst') ? <Arrive /> : null}
      {may('analyst') ? <Saved /> : null}
      {may('marketer', 'analyst') ? <Trend /> : null}
      <Attention />
    </div>
  )
}
