import './style/tokens.css'
import './style/page.css'
import './style/parts.css'
import './style/charts.css'
import { render } from 'preact'
import { Page } from './shell/page'

const root = document.getElementById('page')
if (root) render(<Page />, root)
