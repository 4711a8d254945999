import { useState } from 'preact/hooks'
import { over, Refused, signIn } from '../api/client'
import { w } from '../i18n'
import { language, LANGUAGES, setLanguage } from '../state/prefs'

export function Login() {
  const t = w().login
  const [key, setKey] = useState('')
  const [wrong, say] = useState('')
  const [busy, work] = useState(false)
  const enter = async (): Promise<void> => {
    work(true)
    say('')
    try {
      await signIn(key.trim())
    } catch (error) {
      const status = error instanceof Refused ? error.problem.status : 0
      say(status === 401 || status === 400 ? t.wrong : status === 429 ? t.tooMany : t.offline)
      work(false)
    }
  }
  return (
    <main class="alone">
      <form class="card login" onSubmit={(event) => {
        event.preventDefault()
        void enter()
      }}>
        <h1>{w().title}</h1>
        <label>{t.key}
          <input class="field" type="password" name="key" autocomplete="current-password" required autofocus value={key}
            aria-describedby="how" aria-invalid={wrong !== ''} onInput={(event) => setKey(event.currentTarget.value)} />
        </label>
        <p id="how" class="muted">{t.how}</p>
        {wrong || over.value ? <p role="alert">{wrong || t.over}</p> : null}
        <button type="submit" class="button primary" disabled={busy}>{t.enter}</button>
      </form>
      <div class="languages">
        {LANGUAGES.map((one) => (
          <button key={one} type="button" class="button quiet" lang={one} aria-pressed={language.value === one}
            onClick={() => setLanguage(one)}>{w().shell.languages[one]}</button>
        ))}
      </div>
    </main>
  )
}
