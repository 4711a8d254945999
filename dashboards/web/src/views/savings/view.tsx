// What the cascade saved and where, what has no price, whether the invoice agrees, and what would be if.
import { Invoice } from './invoice'
import { Saved } from './saved'
import { Unpriced } from './unpriced'
import { WhatIf } from './whatif'
import { Where } from './where'

export default function Savings() {
  return (
    <div class="cards">
      <Saved />
      <Where />
      <Invoice />
      <Unpriced />
      <WhatIf />
    </div>
  )
}
