package money

import (
	"cmp"
	"slices"
)

// keyCount is the number of keys that a row may leave open: provider, operator, country, traffic, sender, app.
const keyCount = 6

// channelPrices finds the row of a channel that prices an attempt, without looking at all of them.
//
// Rows fall into groups by which keys they name. The rule of precedence (docs/definitions.md section 4: the row that
// names the provider wins, then operator, country, traffic, sender, app) compares only that, so it is an order of
// groups: their masks, with the provider's bit as the highest, from the greatest. Within a group one look by the named
// keys finds the rows of all times. The values of keys are numbered, so that an attempt's are read once and every look
// is at a few numbers.
type channelPrices struct {
	numbers [keyCount]map[string]uint32 // numbers of the values that rows name, from 1; nil for a key that none names
	groups  []priceGroup                // by mask, the greatest first
}

type priceGroup struct {
	mask uint8
	rows map[keyNumbers][]*Tariff // in the order of time
}

type keyNumbers [keyCount]uint32

func keyBit(i int) uint8 { return 1 << (keyCount - 1 - i) }

func (c *channelPrices) add(t *Tariff) {
	var mask uint8
	var numbers keyNumbers
	i := 0
	for _, key := range t.keys {
		if key != Any {
			mask |= keyBit(i)
			numbers[i] = c.number(i, key)
		}
		i++
	}
	at := slices.IndexFunc(c.groups, func(g priceGroup) bool { return g.mask == mask })
	if at < 0 {
		at = len(c.groups)
		c.groups = append(c.groups, priceGroup{mask: mask, rows: map[keyNumbers][]*Tariff{}})
	}
	c.groups[at].rows[numbers] = append(c.groups[at].rows[numbers], t)
}

func (c *channelPrices) number(i int, key string) uint32 {
	if c.numbers[i] == nil {
		c.numbers[i] = map[string]uint32{}
	}
	n := c.numbers[i][key]
	if n == 0 {
		n = uint32(len(c.numbers[i]) + 1)
		c.numbers[i][key] = n
	}
	return n
}

func (c *channelPrices) sort() {
	slices.SortFunc(c.groups, func(a, b priceGroup) int { return cmp.Compare(b.mask, a.mask) })
	for _, g := range c.groups {
		for _, rows := range g.rows {
			slices.SortFunc(rows, func(a, b *Tariff) int { return cmp.Compare(a.FromMS, b.FromMS) })
		}
	}
}

func (c *channelPrices) at(step *Step, cohortMS int64) *Tariff {
	var known uint8
	var numbers keyNumbers
	for i, key := range [keyCount]string{step.Provider, step.Operator, step.Country, step.Traffic, step.Sender,
		step.App} {
		if c.numbers[i] == nil || key == "" {
			continue
		}
		if numbers[i] = c.numbers[i][key]; numbers[i] != 0 {
			known |= keyBit(i)
		}
	}
	for g := range c.groups {
		group := &c.groups[g]
		if group.mask&^known != 0 {
			continue // the group names a key whose value no row has
		}
		look := numbers
		for i := range look {
			if group.mask&keyBit(i) == 0 {
				look[i] = 0
			}
		}
		if t := validAt(group.rows[look], cohortMS); t != nil {
			return t
		}
	}
	return nil
}

// validAt returns the row that is valid at a time. Rows of the same keys do not overlap, so only the last that has
// begun can be.
func validAt(rows []*Tariff, ms int64) *Tariff {
	i, exact := slices.BinarySearchFunc(rows, ms, func(t *Tariff, ms int64) int { return cmp.Compare(t.FromMS, ms) })
	if !exact {
		i--
	}
	if i < 0 || ms >= rows[i].ToMS {
		return nil
	}
	return rows[i]
}
