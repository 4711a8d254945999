// React for Ariakit, which is Preact with two differences.
import { options } from 'preact'

export * from 'preact/compat'
export { default } from 'preact/compat'

// Preact runs insertion effects as late as layout effects, where Ariakit's event handlers would be set too late for
// refs. Without them Ariakit sets its handlers while it draws.
export const useInsertionEffect = undefined

// Ariakit treats events as React's. It keeps one to use it later, and then sets its currentTarget. It spreads one to send
// the same key to another element. The browser's own events, which Preact hands on, allow neither.
const COPIED = ['key', 'code', 'ctrlKey', 'shiftKey', 'altKey', 'metaKey', 'bubbles', 'cancelable', 'repeat']
const native = Object.getOwnPropertyDescriptor(Event.prototype, 'currentTarget').get
const before = options.event
options.event = (given) => {
  const event = before ? before(given) : given
  if (!Object.hasOwn(event, 'currentTarget')) {
    let kept = null
    Object.defineProperty(event, 'currentTarget', {
      configurable: true,
      get: () => native.call(event) ?? kept,
      set: (target) => {
        kept = target
      },
    })
    if (event instanceof KeyboardEvent) {
      for (const name of COPIED) Object.defineProperty(event, name, { enumerable: true, configurable: true, value: event[name] })
    }
  }
  return event
}
