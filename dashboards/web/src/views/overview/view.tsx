// Whether messages arrive, what they saved, whom not to send to, how it develops, and what somebody should look at.
import { may } from '../../api/client'
import { Arrive, Whom } from './arrive'
import { Nothing } from '../../parts/cards'
import { Attention } from './attention'
import { Changes } from './changes'
import { useFirst } from './first'
import { Saved } from './saved'
import { Trend } from './trend'

export default function Overview() {
  const { now } = useFirst()
  const none = !now.stale && now.data?.messages === 0
  const reports = may('marketer', 'analyst') && !none
  return (
    <div class="cards">
      {none ? <Nothing /> : null}
      {reports ? <Arrive /> : null}
      {may('analyst') && !none ? <Saved /> : null}
      <Attention />
      {reports ? <Trend /> : null}
      {reports ? <Changes /> : null}
      <Whom />
    </div>
  )
}
