package numbers

import (
	"slices"
	"time"

	"kaskad/simulate/model"
	"kaskad/simulate/model/settings"
)

// AudienceQuery selects the subscribers of channels and apps.
type AudienceQuery struct {
	// State is subscribed, unsubscribed, uninstalled, blocked or complained; empty stands for the first three.
	State string
	// Channels, Apps and Accounts keep those that are listed; none are all.
	Channels, Apps, Accounts []string
	// Shipped and ErrorMaps are those of Numbers.
	Shipped   *settings.ErrorMap
	ErrorMaps map[string]settings.ErrorMap
}

// AudienceRow is a subscriber. Contact is the greatest of what its state is known by.
type AudienceRow struct {
	Account, State, Recipient, Contact, Channel, App string
	Since                                            time.Time
}

// MarshalJSON writes recipient, contact, channel, app and since.
func (r AudienceRow) MarshalJSON() ([]byte, error) {
	var w model.RowWriter
	w.Field("recipient", r.Recipient)
	w.Field("contact", r.Contact)
	w.Field("channel", r.Channel)
	w.Field("app", r.App)
	w.Time("since", r.Since)
	return w.Finish()
}

// Audience finds the state of every subscriber, or who has blocked and complained, in the order of account, recipient,
// channel and app.
func Audience(m *model.Model, q AudienceQuery) ([]AudienceRow, error) {
	codes, err := codeBooks(q.Shipped, q.ErrorMaps)
	if err != nil {
		return nil, err
	}
	var rows []AudienceRow
	for who, signals := range gatherSignals(m, codes) {
		states := subscriptions(signals)
		if oneOf(q.State, "blocked", "complained") {
			states = optedOut(signals, q.State)
		}
		for _, row := range states {
			row.Account, row.Recipient = who.account, who.number
			if q.wants(row) {
				rows = append(rows, row)
			}
		}
	}
	slices.SortFunc(rows, func(x, y AudienceRow) int {
		return slices.Compare([]string{x.Account, x.Recipient, x.Channel, x.App},
			[]string{y.Account, y.Recipient, y.Channel, y.App})
	})
	return rows, nil
}

func (q AudienceQuery) wants(row AudienceRow) bool {
	listed := func(list []string, value string) bool { return len(list) == 0 || slices.Contains(list, value) }
	return listed(q.Accounts, row.Account) && listed(q.Channels, row.Channel) && listed(q.Apps, row.App) &&
		(q.State == "" || q.State == row.State)
}

// subscriptions returns a recipient's state by channel and app: the latest of subscribed, unsubscribed and uninstalled.
// At one time the greater loss wins. Error codes that opt out do not unsubscribe.
func subscriptions(signals []signal) map[[2]string]AudienceRow {
	losses := [...]string{"subscribed", "unsubscribed", "uninstalled"}
	states := make(map[[2]string]AudienceRow)
	for _, s := range signals {
		if s.kind == "token" && s.channel == "push" {
			s.kind = "uninstalled"
		}
		loss := slices.Index(losses[:], s.kind)
		if loss < 0 || s.byCode {
			continue
		}
		where := [2]string{s.channel, s.app}
		row, found := states[where]
		row.Contact = max(row.Contact, s.contact)
		known := slices.Index(losses[:], row.State)
		if at := instantOf(s.at); !found || at.After(row.Since) || at.Equal(row.Since) && loss > known {
			row.State, row.Channel, row.App, row.Since = s.kind, s.channel, s.app, at
		}
		states[where] = row
	}
	return states
}

// optedOut returns where a recipient's opt-outs of a kind stand, by channel and app, since the latest of any sender.
func optedOut(signals []signal, kind string) map[[2]string]AudienceRow {
	states := make(map[[2]string]AudienceRow)
	for _, o := range standing(signals) {
		if o.kind != kind {
			continue
		}
		where := [2]string{o.channel, o.app}
		row := states[where]
		states[where] = AudienceRow{State: kind, Contact: max(row.Contact, o.contact), Channel: o.channel, App: o.app,
			Since: later(row.Since, instantOf(o.at))}
	}
	return states
}
