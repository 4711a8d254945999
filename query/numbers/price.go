package numbers

import (
	"context"
	"fmt"
	"sort"

	"kaskad/money"
	"kaskad/money/stored"
	"kaskad/query/answer"
	"kaskad/query/prices"
	"kaskad/query/store"
	"kaskad/schema/law"
)

const (
	// streakAttempt is how many bytes an attempt of a packed streak takes.
	streakAttempt = 8 + 4 + 2 + 8
	// maxAttemptCosts and maxCostTexts bound what the pricing of one answer remembers.
	maxAttemptCosts = 1 << 20
	maxCostTexts    = 1 << 16
)

// wastedCost is what the attempts of a streak cost; text is "" when that is unknown.
type wastedCost struct{ text, currency string }

func (w wastedCost) value() answer.Value {
	if w.text == "" {
		return answer.Null
	}
	return answer.Money(w.text)
}

// attemptKey is all that the cost of an attempt depends on, in one account.
type attemptKey struct {
	step        uint64
	code        law.Code
	smsSegments uint16
	interval    uint16
}

type attemptCost struct {
	cost     money.Amount
	currency string // "" when no tariff was needed, or found
	priced   bool
}

// streakPricer prices the streaks of one answer: a list has a million of them, and few different attempts.
type streakPricer struct {
	db       *store.DB
	lists    *prices.Lists
	accounts map[string]*accountPricer
	last     *accountPricer
	missing  stored.IDs // steps that are not known yet
	texts    map[money.Amount]string
}

type accountPricer struct {
	account string
	list    *money.PriceList
	borders []int64
	steps   map[uint64]money.Step
	costs   map[attemptKey]attemptCost
}

func (n *Numbers) newStreakPricer(lists *prices.Lists) *streakPricer {
	return &streakPricer{db: n.db, lists: lists, accounts: map[string]*accountPricer{},
		missing: stored.IDs{}, texts: map[money.Amount]string{}}
}

func (p *streakPricer) of(account string) *accountPricer {
	if p.last != nil && p.last.account == account {
		return p.last
	}
	a := p.accounts[account]
	if a == nil {
		list := p.lists.Of(account)
		a = &accountPricer{account: account, list: list, borders: list.Borders(), steps: map[uint64]money.Step{},
			costs: map[attemptKey]attemptCost{}}
		p.accounts[account] = a
	}
	p.last = a
	return a
}

// interval is the number of borders up to a time: within an interval all prices are constant.
func (a *accountPricer) interval(ms int64) uint16 {
	if len(a.borders) == 0 {
		return 0
	}
	return uint16(sort.Search(len(a.borders), func(i int) bool { return a.borders[i] > ms }))
}

func attemptAt(streak string) (key attemptKey, cohortMS int64) {
	return attemptKey{step: answer.LE64(streak), code: law.Code(answer.LE32(streak[8:])),
			smsSegments: answer.LE16(streak[12:])},
		int64(answer.LE64(streak[14:]))
}

// price returns what the streaks of rows cost, in to.
func (p *streakPricer) price(ctx context.Context, rows []numberRow, to []wastedCost) ([]wastedCost, error) {
	if err := p.load(ctx, rows); err != nil {
		return nil, err
	}
	to = to[:0]
	for i := range rows {
		to = append(to, p.streak(p.of(rows[i].account), rows[i].streak))
	}
	return to, nil
}

// load makes sure that the steps of all attempts are known.
func (p *streakPricer) load(ctx context.Context, rows []numberRow) error {
	for i := range rows {
		a := p.of(rows[i].account)
		for streak := rows[i].streak; len(streak) >= streakAttempt; streak = streak[streakAttempt:] {
			p.need(a, answer.LE64(streak))
		}
	}
	return p.loadMissing(ctx)
}

// need notes a step that is not known yet.
func (p *streakPricer) need(a *accountPricer, step uint64) {
	if _, found := a.steps[step]; !found {
		a.steps[step] = money.Step{} // asked for once
		p.missing[a.account] = append(p.missing[a.account], step)
	}
}

func (p *streakPricer) loadMissing(ctx context.Context) error {
	steps, err := stored.ReadStepKeys(p.db.Settings(ctx), p.db.Conn, p.missing)
	if err != nil {
		return fmt.Errorf("load steps of numbers: %w", err)
	}
	for account, ids := range p.missing {
		a := p.accounts[account]
		for _, id := range ids {
			step, found := steps[account][id]
			if !found {
				return fmt.Errorf("table legs lacks step %d of account %q, which number_health names", id, account)
			}
			a.steps[id] = step
		}
	}
	clear(p.missing)
	return nil
}

// streak adds up the attempts of a packed streak.
func (p *streakPricer) streak(a *accountPricer, streak string) wastedCost {
	var sum streakSum
	for ; len(streak) >= streakAttempt; streak = streak[streakAttempt:] {
		sum.add(a.priced(attemptAt(streak)))
	}
	return p.wasted(&sum)
}

// streakSum adds up attempts. What they cost together is unknown when one that was sent has no price, or when prices
// are in two currencies.
type streakSum struct {
	sum      money.Amount
	currency string
	unknown  bool
}

func (s *streakSum) add(c attemptCost) {
	if c.currency != "" && s.currency == "" {
		s.currency = c.currency
	}
	s.unknown = s.unknown || !c.priced || c.currency != "" && c.currency != s.currency
	s.sum = s.sum.Add(c.cost)
}

func (p *streakPricer) wasted(s *streakSum) wastedCost {
	if s.unknown {
		return wastedCost{}
	}
	return wastedCost{p.print(s.sum), s.currency}
}

// priced is the cost of an attempt.
func (a *accountPricer) priced(key attemptKey, cohortMS int64) attemptCost {
	key.interval = a.interval(cohortMS)
	c, found := a.costs[key]
	if !found {
		c = a.cost(key, cohortMS)
	}
	return c
}

// cost prices an attempt and remembers it.
func (a *accountPricer) cost(key attemptKey, cohortMS int64) (c attemptCost) {
	step := a.steps[key.step]
	step.Take(key.code)
	cost, ok := a.list.Cost(&step, key.smsSegments, cohortMS)
	c.priced = ok
	if cost.Tariff != nil {
		c.currency, c.cost = cost.Tariff.Currency, cost.Cost
	}
	if len(a.costs) == maxAttemptCosts {
		clear(a.costs)
	}
	a.costs[key] = c
	return c
}

// print prints an amount, of which lists have few different ones.
func (p *streakPricer) print(sum money.Amount) string {
	shown, found := p.texts[sum]
	if !found {
		if len(p.texts) == maxCostTexts {
			clear(p.texts)
		}
		shown = sum.String()
		p.texts[sum] = shown
	}
	return shown
}
