import type { View } from '../../view'

export const view: View = {
  path: '/',
  name: 'overview',
  icon: 'overview',
  order: 1,
  load: () => import('./view'),
}
