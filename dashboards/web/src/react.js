// React for Ariakit, which is Preact with two differences.
import { options } from 'preact'

export * from 'preact/compat'
export { default } from 'preact/compat'

// Preact runs insertion effects as late as layout effects, where Ariakit's event handlers would be set too late for
// refs. Without them Ariakit sets its handlers while it draws.
export const useInsertionEffect = undefined

// Ariakit keeps an event to use it later, and then sets its currentTarget: React's events let it, the browser's own,
// which Preact hands on, do not.
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
  }
  return event
}
