// React for Ariakit, which is Preact, with one thing less: Preact runs insertion effects as late as layout effects,
// where Ariakit's event handlers would be set too late for refs. Without it Ariakit sets them while it draws.
export * from 'preact/compat'
export { default } from 'preact/compat'
export const useInsertionEffect = undefined
