package simulate

import (
	"slices"
	"time"
)

// AudienceQuery selects the subscribers of apps.
type AudienceQuery struct {
	// State is subscribed, unsubscribed or uninstalled; empty stands for all.
	State string
	// Apps and Accounts keep those that are listed; none are all.
	Apps, Accounts []string
	ErrorMaps      map[string][]ErrorMapLine
}

// AudienceRow is a subscriber of an app.
type AudienceRow struct {
	Account, State, Recipient, App string
	Since                          time.Time
}

// MarshalJSON writes recipient, app and since.
func (r AudienceRow) MarshalJSON() ([]byte, error) {
	var w rowWriter
	w.field("recipient", r.Recipient)
	w.field("app", r.App)
	w.time("since", r.Since)
	return w.finish()
}

// Audience finds the state of every subscriber, in the order of account, recipient and app.
func (m *Model) Audience(q AudienceQuery) ([]AudienceRow, error) {
	codes, err := errorMaps(q.ErrorMaps)
	if err != nil {
		return nil, err
	}
	type subscriber struct{ account, app, recipient string }
	type latest struct {
		at   int64
		loss int
	}
	// Of events at one time the greater loss wins.
	losses := [...]string{"subscribed", "unsubscribed", "uninstalled"}
	states := make(map[subscriber]latest)
	note := func(account, app, recipient, state string, at int64) {
		key := subscriber{account, app, recipient}
		now := latest{at, slices.Index(losses[:], state)}
		known, found := states[key]
		if !found || now.at > known.at || now.at == known.at && now.loss > known.loss {
			states[key] = now
		}
	}
	for e := range m.people {
		if status := m.strings[e.status]; slices.Contains(losses[:], status) {
			note(m.strings[e.account], m.strings[e.app], e.recipient, status, e.occurred)
		}
	}
	for _, x := range m.foldedAttempts() {
		if m.channel(x.attempt) == "push" && m.tokenError(&x, codes(x.account)) {
			note(x.account, m.app(x.attempt), x.attempt.recipient, "uninstalled", x.began())
		}
	}
	var rows []AudienceRow
	wanted := func(list []string, value string) bool { return len(list) == 0 || slices.Contains(list, value) }
	for key, state := range states {
		row := AudienceRow{key.account, losses[state.loss], key.recipient, key.app, instantOf(state.at)}
		if wanted(q.Apps, row.App) && wanted(q.Accounts, row.Account) && (q.State == "" || q.State == row.State) {
			rows = append(rows, row)
		}
	}
	slices.SortFunc(rows, func(x, y AudienceRow) int {
		return slices.Compare([]string{x.Account, x.Recipient, x.App}, []string{y.Account, y.Recipient, y.App})
	})
	return rows, nil
}
