// Language and theme belong to the person, not to the question: they are kept by the browser, not in the address.
import { effect, signal } from '@preact/signals'

export const LANGUAGES = ['en', 'ru'] as const
export type Language = (typeof LANGUAGES)[number]
export const THEMES = ['system', 'light', 'dark'] as const
export type Theme = (typeof THEMES)[number]

function kept(name: string): string | null {
  try {
    return window.localStorage.getItem(name)
  } catch {
    return null // storage may be forbidden; then nothing is kept
  }
}

function keep(name: string, value: string): void {
  try {
    window.localStorage.setItem(name, value)
  } catch {
    return
  }
}

const preferred = window.navigator.languages.map((tag) => tag.slice(0, 2))

export const language = signal<Language>(
  LANGUAGES.find((one) => one === kept('kaskad.language')) ??
  preferred.map((tag) => LANGUAGES.find((one) => one === tag)).find((one) => one !== undefined) ?? 'en')
export const theme = signal<Theme>(THEMES.find((one) => one === kept('kaskad.theme')) ?? 'system')

export function setLanguage(to: Language): void {
  language.value = to
  keep('kaskad.language', to)
}

export function setTheme(to: Theme): void {
  theme.value = to
  keep('kaskad.theme', to)
}

const dark = window.matchMedia('(prefers-color-scheme: dark)')
const systemDark = signal(dark.matches)
dark.addEventListener('change', (event) => {
  systemDark.value = event.matches
})

/** shown is the theme that is on the screen. */
export const shown = signal<'light' | 'dark'>('light')
effect(() => {
  shown.value = theme.value === 'system' ? (systemDark.value ? 'dark' : 'light') : theme.value
  document.documentElement.dataset['theme'] = shown.value
})
