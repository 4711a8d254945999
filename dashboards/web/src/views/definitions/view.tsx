// What each figure means, as the API says it.
import { useEffect, useState } from 'preact/hooks'
import { useAnswer } from '../../api/answer'
import { w } from '../../i18n'
import { Failed, Waiting } from '../../parts/states'
import { url } from '../../state/url'

interface Figure {
  readonly name: string
  readonly fields?: readonly string[]
  readonly formula?: string
  readonly numerator?: string
  readonly denominator?: string
  readonly over?: string
  readonly null?: string
}

interface Definitions {
  readonly metrics: readonly Figure[]
  readonly money: Readonly<Record<string, unknown>>
  readonly numbers: Readonly<Record<string, unknown>>
}

function isFigures(value: unknown): value is readonly Figure[] {
  return Array.isArray(value) && value.length > 0 &&
    value.every((one) => typeof one === 'object' && one !== null && 'name' in one && 'formula' in one)
}

/** listed are the figures of all sections, each once: the one that stands first. */
function listed(all: Definitions): readonly Figure[] {
  const found = new Map<string, Figure>()
  const lists = [all.metrics, ...Object.values(all.money), ...Object.values(all.numbers)].filter(isFigures)
  for (const figure of lists.flat()) if (!found.has(figure.name)) found.set(figure.name, figure)
  return [...found.values()]
}

export default function DefinitionsView() {
  const t = w().definitions
  const { data, problem, retry } = useAnswer<Definitions>('/v1/definitions')
  const [sought, seek] = useState('')
  const hash = url.value.hash.slice(1)
  useEffect(() => {
    const spot = data && hash ? document.getElementById(hash) : null
    spot?.scrollIntoView({ block: 'start' })
    spot?.focus({ preventScroll: true })
  }, [data, hash])
  const text = sought.trim().toLowerCase()
  const figures = data ? listed(data).filter((one) => JSON.stringify(one).toLowerCase().includes(text)) : []
  return (
    <div class="cards">
      <section class="card wide" aria-labelledby="what-title">
        <header><h2 id="what-title">{t.what}</h2></header>
        <p class="muted">{t.english}</p>
        <label>{t.search}<input type="search" class="field" value={sought} onInput={(event) => seek(event.currentTarget.value)} /></label>
        {problem ? <Failed problem={problem} retry={retry} /> : null}
        {!data && !problem ? <Waiting lines={12} retry={retry} /> : null}
        {data ? <p class="muted" role="status">{t.found(figures.length)}</p> : null}
        <dl class="definitions" lang="en">
          {figures.map((one) => (
            <div key={one.name} id={one.name} class={one.name === hash ? 'here' : ''} tabIndex={-1}>
              <dt><code>{one.name}</code></dt>
              <dd>{one.formula ?? `${one.numerator} ÷ ${one.denominator}`}</dd>
              {one.over ? <dd class="muted">over {one.over}</dd> : null}
              {one.null ? <dd class="muted">null: {one.null}</dd> : null}
            </div>
          ))}
        </dl>
      </section>
    </div>
  )
}
