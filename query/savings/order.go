package savings

import (
	"cmp"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"kaskad/money"
	"kaskad/query/answer"
	"kaskad/query/rollup"
)

// ranked is a field that rows may be sorted by. of is its value as it is shown, in its smallest unit; nil where it is
// null.
type ranked struct {
	field string
	money bool
	of    func(*quantities) *big.Int
}

// orders are the fields that rows may be sorted by.
var orders = []ranked{
	rankedCount("messages", func(r *quantities) uint64 { return r.messages }),
	rankedCount("reached", func(r *quantities) uint64 { return r.reached }),
	rankedCount("read", func(r *quantities) uint64 { return r.read }),
	rankedCount("unpriced", func(r *quantities) uint64 { return r.unpriced }),
	rankedMoney("sms_only_cost", func(r *quantities) money.Amount { return r.smsOnly }),
	rankedMoney("actual_cost", func(r *quantities) money.Amount { return r.actual }),
	rankedMoney("saved", (*quantities).saved),
	{"saved_rate", false, (*quantities).savedRate},
	rankedMoney("saved_unreached", func(r *quantities) money.Amount { return r.savedUnreached }),
	rankedMoney("saved_reached", (*quantities).savedReached),
	rankedMoney("double_paid", func(r *quantities) money.Amount { return r.doublePaid }),
	rankedMoney("wasted_cost", func(r *quantities) money.Amount { return r.wasted }),
	rankedMoney("drift", (*quantities).drift),
}

func rankedCount(field string, of func(*quantities) uint64) ranked {
	return ranked{field, false, func(r *quantities) *big.Int { return new(big.Int).SetUint64(of(r)) }}
}

func rankedMoney(field string, of func(*quantities) money.Amount) ranked {
	return ranked{field, true, func(r *quantities) *big.Int {
		if r.priced == 0 {
			return nil
		}
		return of(r).Integer()
	}}
}

// sorts names the fields of orders.
func sorts() (all []rollup.Ranked) {
	for _, by := range orders {
		all = append(all, rollup.Ranked{Field: by.field})
	}
	return all
}

// order is how the rows of an answer come.
type order struct {
	by   *ranked // nil for by the keys alone
	down bool
}

func orderOf(r *rollup.Request) order {
	if r.Order == nil {
		return order{}
	}
	at := slices.IndexFunc(orders, func(by ranked) bool { return by.field == r.Order.Field })
	return order{&orders[at], r.Order.Down}
}

// sort puts rows in order.
func (o order) sort(rows []*quantities) {
	if o.by == nil {
		return // they come by their keys
	}
	for _, r := range rows {
		r.rank = o.by.of(r)
	}
	slices.SortFunc(rows, o.compare)
}

// compare orders rows by their ranks, then by their keys. What is not known comes last. Money of two currencies is not
// compared: a currency's rows stand together.
func (o order) compare(a, b *quantities) int {
	if o.by == nil {
		return a.compare(b)
	}
	if a.rank == nil || b.rank == nil {
		return cmp.Or(cmp.Compare(answer.Bit(a.rank == nil), answer.Bit(b.rank == nil)), a.compare(b))
	}
	by := a.rank.Cmp(b.rank)
	if o.down {
		by = -by
	}
	if o.by.money {
		by = cmp.Or(strings.Compare(a.currency, b.currency), by)
	}
	return cmp.Or(by, a.compare(b))
}

// rankText is the rank of a row for a cursor, and readRank reads it.
func (o order) rankText(r *quantities) [][]byte {
	switch {
	case o.by == nil:
		return nil
	case r.rank == nil:
		return [][]byte{nil}
	}
	return [][]byte{r.rank.Append(nil, 10)}
}

func (o order) readRank(r *quantities, text string) error {
	if text == "" {
		return nil
	}
	var read bool
	if r.rank, read = new(big.Int).SetString(text, 10); !read {
		return fmt.Errorf("%q is no rank", text)
	}
	return nil
}
