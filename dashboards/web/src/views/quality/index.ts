import type { View } from '../../view'

export const view: View = {
  path: '/quality',
  name: 'quality',
  icon: 'quality',
  order: 7,
  scopes: ['analyst'],
  load: () => import('./view'),
}
