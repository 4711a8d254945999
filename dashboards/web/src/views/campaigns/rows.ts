// Answers of the API that these views read.
import type { GetMessagesRow, GetReportsGroupsRow, GetReportsSavingsRow } from '../../api/openapi'

/** GroupRow and CostRow are asked for by campaign. */
export type GroupRow = GetReportsGroupsRow & { readonly campaign: string }
export type CostRow = GetReportsSavingsRow & { readonly campaign: string }
export type MessageRow = GetMessagesRow

/** STATES are what may have become of a message; the first that holds is its state. */
export const STATES = ['replied', 'read', 'delivered', 'failed', 'pending', 'skipped'] as const
