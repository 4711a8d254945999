// How a list comes that the server sorts: by a field, the least or (after a minus) the greatest first, or by its names.
// The address keeps it.
import type { Order } from '../parts/table'
import { setParams, url } from './url'

export interface Sorting {
  readonly order: Order
  readonly sortBy: (order: Order) => void
  /** query is what asks for the order. */
  readonly query: { readonly sort?: string }
}

/** sorting is by one of fields or by name, the column of names; usual is the order of an address that says none. */
export function sorting(fields: readonly string[], name: string, usual: string): Sorting {
  const given = url.value.searchParams.get('sort') ?? usual
  const sort = given === '' || fields.includes(given.replace(/^-/, '')) ? given : usual
  return {
    order: { key: sort.replace(/^-/, '') || name, down: sort.startsWith('-') },
    query: sort === '' ? {} : { sort },
    sortBy: ({ key, down }) => {
      const to = key === name ? '' : `${down ? '-' : ''}${key}`
      setParams({ sort: to === usual ? null : to }, 'replace')
    },
  }
}
