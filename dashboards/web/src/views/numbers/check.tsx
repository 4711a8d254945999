// A list of numbers, pasted or dropped, checked before a mailing. It goes to the API and nowhere else, and is not kept.
import { useRef, useState } from 'preact/hooks'
import { Refused } from '../../api/client'
import type { Problem } from '../../api/types'
import { w } from '../../i18n'
import { askAbout } from './ask'
import { openList } from './file'
import { parseList, type Parsed } from './parse'
import { Trouble } from './parts'
import { Result } from './result'
import type { CheckedRow } from './types'

interface Work {
  readonly list: Parsed
  readonly rows: readonly CheckedRow[]
  readonly state: 'busy' | 'done' | 'stopped'
  readonly problem?: Problem
}

export function Check() {
  const t = w().numbers
  const box = useRef<HTMLTextAreaElement>(null)
  const [file, drop] = useState<{ name: string; text: string; lines: number }>()
  const [code, setCode] = useState('')
  const [over, hover] = useState(false)
  const [said, say] = useState('')
  const [work, become] = useState<Work>()
  const stop = useRef<AbortController | undefined>(undefined)
  const take = async (given: File | undefined): Promise<void> => {
    hover(false)
    if (!given) return
    const opened = await openList(given)
    say('wrong' in opened ? t[opened.wrong] : '')
    if (!('text' in opened)) return
    drop({ name: given.name, text: opened.text, lines: opened.text.trimEnd().split(/\r\n|\r|\n/).length })
  }
  const run = async (): Promise<void> => {
    stop.current?.abort()
    const mine = stop.current = new AbortController()
    const list = parseList(file?.text ?? box.current?.value ?? '', code.replace(/\D/g, ''))
    const rows: CheckedRow[] = []
    const now = (state: Work['state'], problem?: Problem): void => {
      if (stop.current === mine) become({ list, rows: [...rows], state, ...(problem ? { problem } : {}) })
    }
    say('')
    now('busy')
    try {
      await askAbout(list.numbers.map((one) => one.number), mine.signal, (more) => {
        rows.push(...more)
        now('busy')
      })
      now('done')
    } catch (error) {
      if (error instanceof Refused) now('stopped', error.problem)
      else if (error instanceof DOMException && error.name === 'AbortError') now('stopped')
      else throw error
    }
  }
  const clear = (): void => {
    stop.current?.abort()
    stop.current = undefined
    if (box.current) box.current.value = ''
    drop(undefined)
    say('')
    become(undefined)
  }
  const busy = work?.state === 'busy'
  return (
    <section class={over ? 'card wide over' : 'card wide'} id="check" aria-labelledby="check-title" aria-busy={busy}
      onDragOver={(event) => {
        event.preventDefault()
        hover(true)
      }}
      onDragLeave={() => hover(false)}
      onDrop={(event) => {
        event.preventDefault()
        void take(event.dataTransfer?.files[0])
      }}>
      <header><h2 id="check-title">{t.check}</h2></header>
      <form class="check-form" onSubmit={(event) => {
        event.preventDefault()
        void run()
      }}>
        {file
          ? <p class="chosen-file"><bdi>{t.chosen(file.name, file.lines)}</bdi></p>
          : (
            <label>{t.paste}
              <textarea ref={box} class="field" rows={4} dir="ltr" spellcheck={false} autocomplete="off"
                aria-describedby="check-how"
                placeholder={'+79161234567\n8 (916) 123-45-68\nanna@example.com'} />
            </label>
          )}
        <p class="muted" id="check-how">{t.pasteHow}</p>
        <div class="check-how">
          <label>{t.countryCode}
            <input class="field" inputMode="numeric" maxLength={4} value={code} aria-describedby="check-code"
              onInput={(event) => setCode(event.currentTarget.value)} />
          </label>
          <span class="muted" id="check-code">{t.countryCodeHow}</span>
        </div>
        <div class="buttons">
          <button type="submit" class="button primary" disabled={busy}>{t.run}</button>
          <label class="button">{t.file}
            <input type="file" class="unseen" accept=".csv,.txt,.tsv,text/*" onChange={(event) => {
              void take(event.currentTarget.files?.[0])
              event.currentTarget.value = ''
            }} />
          </label>
          {busy ? <button type="button" class="button" onClick={() => stop.current?.abort()}>{t.stop}</button> : null}
          {work || file ? <button type="button" class="button quiet" onClick={clear}>{t.clear}</button> : null}
        </div>
      </form>
      {said ? <p role="alert">{said}</p> : null}
      {busy
        ? (
          <p role="status" class="progress">
            <progress max={work.list.numbers.length} value={work.rows.length} aria-label={t.run} />
            {t.checking(work.rows.length, work.list.numbers.length)}
          </p>
        )
        : null}
      {work?.problem ? <Trouble problem={work.problem} retry={() => void run()} /> : null}
      {work?.state === 'stopped' ? <p role="alert">{t.stopped}</p> : null}
      {work && !busy ? <Result list={work.list} rows={work.rows} /> : null}
    </section>
  )
}
