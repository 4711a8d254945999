// Whether the figures are complete and fresh, and what to do about what is not.
import './quality.css'
import { may, session } from '../../api/client'
import { useSpot } from '../../parts/spot'
import { Unpriced } from '../savings/unpriced'
import { Codes } from './codes'
import { Complete, Fresh } from './fresh'
import { Letters } from './letters'
import { Shared } from './shared'

export default function Quality() {
  // Of dead letters and the service as a whole nobody can say whose they are, so they are for admins of all accounts.
  const operator = may('admin') && (session.value?.account ?? null) === null
  useSpot()
  return (
    <div class="cards">
      {operator ? <Complete /> : <Fresh />}
      {operator ? <Letters /> : null}
      <Codes />
      <Unpriced lines={5} />
      {operator ? <Shared /> : null}
    </div>
  )
}
