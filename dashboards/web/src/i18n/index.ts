// The words of the language that is chosen. A language is one file; it is loaded when it is wanted.
import { effect, signal } from '@preact/signals'
import { language, type Language } from '../state/prefs'
import type { Words } from './en'

export type { Words } from './en'

const files: Record<Language, () => Promise<{ words: Words }>> = {
  en: () => import('./en'),
  ru: () => import('./ru'),
}

/** words is undefined until the first language is there. */
export const words = signal<Words | undefined>(undefined)

effect(() => {
  const wanted = language.value
  void files[wanted]().then((file) => {
    if (language.value !== wanted) return
    document.documentElement.lang = wanted
    words.value = file.words
  })
})

/** w are the words, for components, which are not drawn before there are any. */
export function w(): Words {
  const all = words.value
  if (!all) throw new Error('the page was drawn before its words were there')
  return all
}
