package answer

import (
	"context"
	"net/http"
	"strings"

	"kaskad/schema/event"
	"kaskad/schema/keys"
)

// Caller is who asks, as his key says.
type Caller struct {
	// Account is the one whose data he may see and change; All says that he may those of all.
	Account string
	All     bool
	Scopes  keys.Scopes
	// KeyID names the key, and By the caller for audits.
	KeyID, By string
}

type callerKey struct{}

// WithCaller returns a context of a caller's request.
func WithCaller(ctx context.Context, c *Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// CallerOf returns who asks. Without a key (--auth off) that is somebody who may do everything, and has not said that
// he may see whole recipients where they are masked.
func CallerOf(ctx context.Context) *Caller {
	if c, known := ctx.Value(callerKey{}).(*Caller); known {
		return c
	}
	return &Caller{All: true}
}

// ForAll returns a context for a statement whose answer all callers share, whoever has asked for it first.
func ForAll(ctx context.Context) context.Context { return WithCaller(ctx, &Caller{All: true}) }

// Whole tells whether the caller sees recipients and contacts as they are.
func (c *Caller) Whole() bool { return c.Scopes.Any(keys.CRM | keys.Admin) }

// Shown is how the caller sees a recipient or a contact.
func (c *Caller) Shown() func(recipient string) string {
	if c.Whole() {
		return func(recipient string) string { return recipient }
	}
	return event.MaskRecipient
}

// MayName tells whether the caller may ask about a recipient or contact by naming it: to be told whether it is there
// would unmask it. Without keys (--auth off) there is nobody to keep it from.
func (c *Caller) MayName() bool { return c.Scopes == 0 || c.Whole() }

// NamesRecipients is the answer to who may not ask about recipients by name.
func NamesRecipients() *Problem {
	return NewProblem(http.StatusForbidden, "scope",
		"the key's scopes do not suffice: recipient and contact, which name people, need one of crm admin")
}

// May tells whether the caller may see an account.
func (c *Caller) May(account string) bool { return c.All || c.Account == account }

// ForeignAccount is the answer to who names another account than his own, whether it exists or not.
func ForeignAccount() *Problem {
	return NewProblem(http.StatusForbidden, "foreign-account",
		"account: the key is of another account: leave the account out, or name the key's own")
}

// bind makes a query of a caller of one account one about that account. It is the only place where a request's account
// comes from: whoever reads parameters reads them here.
func (p *Params) bind(r *http.Request, takesAccount bool) error {
	caller := CallerOf(r.Context())
	if caller.All {
		return nil
	}
	for _, account := range p.Values["account"] {
		if account != caller.Account {
			return ForeignAccount()
		}
	}
	if takesAccount {
		p.Values["account"] = []string{caller.Account}
	}
	return nil
}

// Access says who may use a route.
type Access int

// Who may use a route. The zero value lets nobody in, so a route that says nothing is closed.
const (
	Closed Access = iota
	// Open needs no key, and shows nothing of any account.
	Open
	// Signed needs a key, whatever its scopes.
	Signed
	ForIngest
	ForMarketers
	ForAnalysts
	ForCRM
	// ForMessages lets in whoever looks at single messages or reads what figures mean.
	ForMessages
	// ForAdmins is for admins, each of his own account.
	ForAdmins
	// ForAdminsOfAll is for admins of all accounts.
	ForAdminsOfAll
)

// Scopes are those any of which opens the route.
func (a Access) Scopes() keys.Scopes {
	switch a {
	case Signed:
		return keys.Analyst | keys.Marketer | keys.CRM | keys.Ingest | keys.Admin
	case ForIngest:
		return keys.Ingest | keys.Admin
	case ForMarketers:
		return keys.Marketer | keys.Analyst | keys.Admin
	case ForAnalysts:
		return keys.Analyst | keys.Admin
	case ForCRM:
		return keys.CRM | keys.Admin
	case ForMessages:
		return keys.Marketer | keys.Analyst | keys.CRM | keys.Admin
	case ForAdmins, ForAdminsOfAll:
		return keys.Admin
	default:
		return 0
	}
}

// Check returns a Problem where the caller may not use the route.
func (a Access) Check(c *Caller) error {
	switch {
	case a == Open:
		return nil
	case a == Closed || !c.Scopes.Any(a.Scopes()):
		return NewProblem(http.StatusForbidden, "scope",
			"the key's scopes do not suffice: this needs one of "+strings.Join(a.Scopes().List(), " ")+", and it has "+
				strings.Join(c.Scopes.List(), " "))
	case a == ForAdminsOfAll && !c.All:
		return NewProblem(http.StatusForbidden, "scope",
			"this needs an admin key of all accounts, and the key is of one")
	}
	return nil
}
