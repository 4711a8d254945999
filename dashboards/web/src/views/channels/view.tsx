// Which channel is read, what happened to the messages, when and how fast they are read.
import { useAnswer } from '../../api/answer'
import { reportPath } from '../../api/paths'
import type { ChannelRow, Report } from '../../api/types'
import { Cards } from '../../parts/cards'
import { scope } from '../../state/scope'
import { Which } from './which'
import { What } from './what'
import { When } from './when'
import { Fast } from './fast'
import { Versus } from './versus'

export default function Channels() {
  return (
    <Cards of={useAnswer<Report<ChannelRow>>(reportPath('channels', scope.value))}>
      <Which />
      <What />
      <Fast />
      <Versus />
      <When />
    </Cards>
  )
}
