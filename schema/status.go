package schema

import "strconv"

// Status is what happened to a message or to a recipient, as the number that is stored.
type Status uint8

// The statuses. Their numbers are stored (migrations/00001_facts.sql) and never change; a new one takes the next number
// and goes to the end of [Statuses].
const (
	Queued       Status = 1
	Accepted     Status = 2
	Sent         Status = 3
	Delivered    Status = 4
	Read         Status = 5
	Clicked      Status = 6
	Replied      Status = 7
	Undelivered  Status = 8
	Rejected     Status = 9
	Expired      Status = 10
	Failed       Status = 11
	Skipped      Status = 12
	Subscribed   Status = 13
	Unsubscribed Status = 14
	Uninstalled  Status = 15
	Complained   Status = 16
	Blocked      Status = 17
	Lookup       Status = 18
	// Inbound is a message from the customer that answers none of ours.
	Inbound Status = 19
	// MachineOpen is how a read or click by a program is stored: it proves delivery and nothing else.
	MachineOpen Status = 20
)

// StatusFacts is all that Kaskad knows of a status.
type StatusFacts struct {
	Status Status
	Name   string
	// OfMessage means that the status speaks of an attempt rather than of a recipient.
	OfMessage bool
	// Failure means that the attempt failed, for the reason in its error code.
	Failure bool
	// MovesFigures means that an event of a recipient changes figures that are computed ahead: verdicts on numbers,
	// conversations, and what messages are blamed for. The others are looked at when a report is read.
	MovesFigures bool
	// Derived means that no event names the status.
	Derived bool
}

// StatusTable is a list of statuses; that of number n is the n-th.
type StatusTable []StatusFacts

// Statuses are all statuses, in the order in which errors list them.
var Statuses = StatusTable{
	{Status: Queued, Name: "queued", OfMessage: true},
	{Status: Accepted, Name: "accepted", OfMessage: true},
	{Status: Sent, Name: "sent", OfMessage: true},
	{Status: Delivered, Name: "delivered", OfMessage: true},
	{Status: Read, Name: "read", OfMessage: true},
	{Status: Clicked, Name: "clicked", OfMessage: true},
	{Status: Replied, Name: "replied", OfMessage: true},
	{Status: Undelivered, Name: "undelivered", OfMessage: true, Failure: true},
	{Status: Rejected, Name: "rejected", OfMessage: true, Failure: true},
	{Status: Expired, Name: "expired", OfMessage: true, Failure: true},
	{Status: Failed, Name: "failed", OfMessage: true, Failure: true},
	{Status: Skipped, Name: "skipped", OfMessage: true},
	{Status: Subscribed, Name: "subscribed", MovesFigures: true},
	{Status: Unsubscribed, Name: "unsubscribed", MovesFigures: true},
	{Status: Uninstalled, Name: "uninstalled"},
	{Status: Complained, Name: "complained", MovesFigures: true},
	{Status: Blocked, Name: "blocked", MovesFigures: true},
	{Status: Lookup, Name: "lookup", MovesFigures: true},
	{Status: Inbound, Name: "inbound", MovesFigures: true},
	{Status: MachineOpen, Name: "machine_open", OfMessage: true, Derived: true},
}

// Names returns the names that events may have.
func (t StatusTable) Names() []string {
	names := make([]string, 0, len(t))
	for _, f := range t {
		if !f.Derived {
			names = append(names, f.Name)
		}
	}
	return names
}

// Find returns the status that an event names, 0 where there is none.
func (t StatusTable) Find(name []byte) Status {
	for i := range t {
		if t[i].Name == string(name) && !t[i].Derived {
			return t[i].Status
		}
	}
	return 0
}

// Facts returns what is known of a status. One that is not in the table, such as a newer program may have stored, has
// its number for a name.
func (t StatusTable) Facts(s Status) StatusFacts {
	if s == 0 || int(s) > len(t) {
		return StatusFacts{Status: s, Name: "status " + strconv.Itoa(int(s))}
	}
	return t[s-1]
}

// String returns the name used in events.
func (s Status) String() string { return Statuses.Facts(s).Name }

// OfMessage reports whether the status speaks of an attempt rather than of a recipient.
func (s Status) OfMessage() bool { return Statuses.Facts(s).OfMessage }

// MovesFigures reports whether an event of a recipient changes figures that are computed ahead.
func (s Status) MovesFigures() bool { return Statuses.Facts(s).MovesFigures }

// Failure reports whether the attempt failed.
func (s Status) Failure() bool { return Statuses.Facts(s).Failure }
