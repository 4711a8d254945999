// Where a name of data leads to: the same period and account, whatever else is filtered here.
import { toView } from './scope'
import { url, withParams } from './url'

function link(path: string, change: Record<string, string | null>): string {
  const to = withParams(new URL(toView(path), url.value), change)
  return to.pathname + to.search
}

/** toCampaign leads to one mailing. */
export function toCampaign(campaign: string, account?: string): string {
  return link('/campaigns', { campaign, ...(account ? { account } : {}) })
}

/** toMessage leads to one message. */
export function toMessage(id: string, account?: string): string {
  return link('/message', { id, ...(account ? { account } : {}) })
}
