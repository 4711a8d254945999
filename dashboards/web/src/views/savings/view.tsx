// What the cascade saved and where, what has no price, whether the invoice agrees, and what would be if.
import { useAnswer } from '../../api/answer'
import { reportPath } from '../../api/paths'
import type { Report, SavingsRow } from '../../api/types'
import { Cards } from '../../parts/cards'
import { scope } from '../../state/scope'
import { Invoice } from './invoice'
import { Saved } from './saved'
import { Unpriced } from './unpriced'
import { WhatIf } from './whatif'
import { Where } from './where'

export default function Savings() {
  return (
    <Cards of={useAnswer<Report<SavingsRow>>(reportPath('savings', scope.value))} always={<WhatIf />}>
      <Saved />
      <Where />
      <Invoice />
      <Unpriced lines={19} />
    </Cards>
  )
}
