import './style/tokens.css'
import './style/page.css'
import './style/parts.css'
import './style/charts.css'
import { render } from 'preact'
import { Page } from './shell/page'
import { keepFocus } from './state/focus'
import { url } from './state/url'
import { viewAt } from './view'

// The view comes while the server is asked who looks; where it does not come, it is asked for again when it is drawn.
viewAt(url.value.pathname)?.load().catch(() => undefined)

const root = document.getElementById('page')
if (root) {
  render(<Page />, root)
  keepFocus(root)
}
