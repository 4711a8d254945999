package numbers

import "kaskad/simulate/model"

// MarshalJSON writes the fields of testdata/examples/numbers.json, then the others of docs/definitions.md section 5 and
// of the latest lookup. History and DeadSpans are left out.
func (v Verdict) MarshalJSON() ([]byte, error) {
	var w model.RowWriter
	w.Field("account", v.Account)
	w.Field("number", v.Number)
	w.Field("state", v.State)
	w.Field("rule", v.Rule)
	w.Time("since", v.Since)
	w.Field("reasons", v.Reasons)
	w.Field("guessed", v.Guessed)
	w.Field("failed_mailings", v.FailedMailings)
	w.Field("failed_days", v.FailedDays)
	w.Time("last_delivered_at", v.LastDeliveredAt)
	w.Time("last_failed_at", v.LastFailedAt)
	w.Time("first_failed_at", v.FirstFailedAt)
	w.Field("wasted_cost", model.WriteMoney(v.WastedCost))
	w.Field("currency", v.Currency)
	w.Field("possible_reassignment", v.PossibleReassignment)
	w.Field("reachable_on", v.ReachableOn)
	w.Field("opt_outs", v.OptOuts)
	w.Time("looked_up_at", v.LookedUpAt)
	w.Field("operator", v.Operator)
	w.Field("ported", v.Ported)
	w.Field("valid", v.Valid)
	w.Time("owner_changed_at", v.OwnerChangedAt)
	return w.Finish()
}

// MarshalJSON writes a change as the feed of changes does, its number aside.
func (c Change) MarshalJSON() ([]byte, error) {
	var w model.RowWriter
	w.Field("from", c.From)
	w.Field("to", c.To)
	w.Time("at", c.At)
	w.Field("rule", c.Rule)
	return w.Finish()
}
