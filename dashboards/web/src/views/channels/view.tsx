// Which channel is read, what happened to the messages, when and how fast they are read.
import { Which } from './which'
import { What } from './what'
import { When } from './when'
import { Fast } from './fast'
import { Versus } from './versus'

export default function Channels() {
  return (
    <div class="cards">
      <Which />
      <What />
      <Fast />
      <Versus />
      <When />
    </div>
  )
}
