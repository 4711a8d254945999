package prices

import (
	"context"
	"encoding/binary"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"

	"kaskad/money"
	"kaskad/money/stored"
	"kaskad/query/answer"
	"kaskad/query/store"
	"kaskad/schema"
)

// keptSnapshots is how many sets of price lists are kept: the newest, and those that cursors still point to.
const keptSnapshots = 4

// listID is a random number that a list has for its own, 0 for none: the half of the row's id that has most of its
// random bits. It is what state.sql of package store makes of an id.
func listID(list schema.Reference) uint64 { return binary.LittleEndian.Uint64(list.ID[8:]) }

// Lists are the price lists of some accounts at one moment. They never change.
type Lists struct {
	Versions answer.PriceVersions
	snapshot *snapshot
}

// Of returns the account's list; one that was never put is empty, so that everything is unpriced.
func (l *Lists) Of(account string) *money.PriceList {
	if a, found := l.snapshot.accounts[account]; found {
		return a.List
	}
	return l.snapshot.none
}

// Beside returns the lists of another account as they were read with these, false where they cannot be read.
func (l *Lists) Beside(account string) (*Lists, bool) {
	return &Lists{l.snapshot.versionsOf([]string{account}), l.snapshot}, l.snapshot.accounts[account].broken == nil
}

// Account returns the account's list and the rows that it was made of.
func (l *Lists) Account(account string) Account {
	if a, found := l.snapshot.accounts[account]; found {
		return a
	}
	return Account{Lists: stored.Lists{List: l.snapshot.none, Zone: time.UTC}}
}

// Accounts lists the accounts that have a list, those of some accounts alone: all for nil.
func (l *Lists) Accounts(accounts []string) iter.Seq2[string, Account] {
	return func(yield func(string, Account) bool) {
		for name, a := range l.snapshot.accounts {
			if (accounts == nil || slices.Contains(accounts, name)) && !yield(name, a) {
				return
			}
		}
	}
}

// Borders returns the times, in Unix seconds and in order, at which a price of some account may change.
func (l *Lists) Borders(accounts []string) []uint32 {
	var all []uint32
	for _, a := range l.Accounts(accounts) {
		for _, ms := range a.List.Borders() {
			all = append(all, store.Storable(ms))
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Cache keeps price lists, for reading and compiling them takes longer than a report. A list is compiled once.
type Cache struct {
	db        *store.DB
	mu        sync.Mutex
	snapshots []*snapshot // the one that was made last comes first
}

// NewCache makes an empty one.
func NewCache(db *store.DB) *Cache { return &Cache{db: db} }

// snapshot holds the lists of all accounts as of a version.
type snapshot struct {
	asOf     answer.PriceVersions // of all accounts
	accounts map[string]Account
	none     *money.PriceList
}

// Account is an account's list and the rows that it was made of.
type Account struct {
	stored.Lists
	versions answer.PriceVersions
	// broken tells why the lists cannot be read, as those of an older program may: it concerns who asks for this
	// account, and nobody else.
	broken error
}

// versionsOf returns the greatest versions among the lists of some accounts, nil for all accounts, and what tells the
// lists from others.
func (p *snapshot) versionsOf(accounts []string) (v answer.PriceVersions) {
	for name, a := range p.accounts {
		if accounts == nil || slices.Contains(accounts, name) {
			v.Tariffs, v.Templates = max(v.Tariffs, a.versions.Tariffs), max(v.Templates, a.versions.Templates)
			v.Lists ^= a.versions.Lists
		}
	}
	return v
}

// Lists returns the price lists of some accounts, nil for all of them: the newest, or those that a cursor has
// pinned.
func (c *Cache) Lists(ctx context.Context, accounts []string, pinned *answer.PriceVersions) (*Lists, error) {
	var known store.References
	if pinned == nil {
		var err error
		if known, err = c.db.References(ctx); err != nil {
			return nil, fmt.Errorf("read versions of price lists: %w", err)
		}
	}
	return c.ListsOf(ctx, known, accounts, pinned)
}

// ListsOf returns those that a request began with, or those that a cursor has pinned.
func (c *Cache) ListsOf(ctx context.Context, known store.References, accounts []string,
	pinned *answer.PriceVersions) (*Lists, error) {
	wanted := pinned
	if pinned == nil {
		wanted = &known.PriceLists
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	snapshot := c.find(accounts, *wanted, pinned != nil)
	if snapshot == nil {
		var err error
		if snapshot, err = c.read(ctx, *wanted); err != nil {
			return nil, err
		}
		if pinned != nil && snapshot.versionsOf(accounts) != *pinned {
			return nil, answer.BadParameter("cursor",
				"a price list of its pages has been taken back since: start again without a cursor")
		}
		c.snapshots = slices.Insert(c.snapshots, 0, snapshot)
		c.snapshots = c.snapshots[:min(len(c.snapshots), keptSnapshots)]
	}
	for name, a := range snapshot.accounts {
		if a.broken != nil && (accounts == nil || slices.Contains(accounts, name)) {
			return nil, fmt.Errorf("price lists of account %q: %w", name, a.broken)
		}
	}
	return &Lists{snapshot.versionsOf(accounts), snapshot}, nil
}

// find returns a snapshot that holds the wanted lists. For what is pinned any one serves whose lists of these accounts
// are the same.
func (c *Cache) find(accounts []string, wanted answer.PriceVersions, pinned bool) *snapshot {
	for _, s := range c.snapshots {
		if s.asOf == wanted {
			return s
		}
		if pinned && s.versionsOf(accounts) == wanted {
			return s
		}
	}
	return nil
}

// readPrices reads the lists of all accounts as of a version and compiles those that are not compiled yet. What the
// snapshot is of follows from the rows that were read: they may differ from those that a statement before has seen.
func (c *Cache) read(ctx context.Context, asOf answer.PriceVersions) (*snapshot, error) {
	type bodies struct{ tariffs, templates schema.Reference }
	all := map[string]bodies{}
	for _, kind := range []string{schema.ReferenceTariffs, schema.ReferenceTemplates} {
		version := asOf.Tariffs
		if kind == schema.ReferenceTemplates {
			version = asOf.Templates
		}
		if version == 0 {
			continue // To ReadReferences 0 means the newest.
		}
		lists, err := schema.ReadReferences(c.db.Settings(ctx), c.db.Conn, kind, version)
		if err != nil {
			return nil, fmt.Errorf("read price lists: %w", err)
		}
		for _, l := range lists {
			b := all[l.Account]
			if kind == schema.ReferenceTariffs {
				b.tariffs = l
			} else {
				b.templates = l
			}
			all[l.Account] = b
		}
	}
	made := &snapshot{accounts: make(map[string]Account, len(all)), none: money.NewPriceList(nil, nil)}
	for account, b := range all {
		prices, found := c.compiled(account, versionsOf(b.tariffs, b.templates))
		if !found {
			compiled, err := stored.Compile(b.tariffs, b.templates)
			if err != nil {
				compiled = stored.Lists{List: made.none, Zone: time.UTC}
			}
			prices = Account{Lists: compiled, versions: versionsOf(b.tariffs, b.templates), broken: err}
		}
		made.accounts[account] = prices
	}
	made.asOf = made.versionsOf(nil)
	return made, nil
}

// versionsOf returns the versions of one account's lists.
func versionsOf(tariffs, templates schema.Reference) answer.PriceVersions {
	return answer.PriceVersions{Tariffs: tariffs.Version, Templates: templates.Version,
		Lists: listID(tariffs) ^ listID(templates)}
}

// compiled returns an account's list of these versions, and of the very same rows, if some snapshot holds it.
func (c *Cache) compiled(account string, versions answer.PriceVersions) (prices Account, found bool) {
	for _, s := range c.snapshots {
		if a, found := s.accounts[account]; found && a.versions == versions {
			return a, true
		}
	}
	return Account{}, false
}
