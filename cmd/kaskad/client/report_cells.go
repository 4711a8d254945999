package client

import (
	"encoding/json"
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strings"

	pretty "github.com/jedib0t/go-pretty/v6/text"

	"kaskad/cmd/kaskad/output"
	"kaskad/query/answer"
)

// boundSigns say which way a rate errs.
func boundSign(bound any) string {
	return map[any]string{"lower": "≥ ", "upper": "≤ ", "mixed": "~ "}[bound]
}

// tableColumn is a column of a table as it is shown.
type tableColumn struct {
	name  string
	right bool
	cells []string
	// rates are what bars are drawn of, nil for those that are unknown; bar is how wide they are, 0 without.
	rates []*big.Rat
	bar   int
	limit int // to how much cells are shortened, 0 for not at all
}

// column makes a column of a name.
func (t *reportTable) column(name string) *tableColumn {
	c := &tableColumn{name: name}
	all := columnsOf(t.route)
	of := answer.Column{Name: name}
	if at := slices.IndexFunc(all, func(c answer.Column) bool { return c.Name == name }); at >= 0 {
		of = all[at]
	}
	if of.Type == answer.DecimalColumn && t.isRate(name) {
		t.fillRate(c, &of)
		return c
	}
	c.right = of.Type != answer.TextColumn && of.Type != answer.BoolColumn && of.Type != answer.TimeColumn
	for i := range t.rows {
		value, there := t.rows[i].values[name]
		shown := shownValue(value)
		switch {
		case !there:
			shown = ""
		case value == nil:
		case of.Type == answer.MoneyColumn, of.Type == answer.CountColumn && !t.isKey(name):
			shown = output.Grouped(shown)
		case of.Type == answer.DecimalColumn && strings.HasPrefix(name, "time_to_"):
			shown += " s"
		}
		c.cells = append(c.cells, shown)
	}
	if of.Type == answer.MoneyColumn {
		alignPoints(c.cells)
	}
	return c
}

// alignPoints pads amounts so that their points stand below each other.
func alignPoints(amounts []string) {
	decimals := func(amount string) int { return len(amount) - 1 - strings.LastIndexByte(amount, '.') }
	most := 0
	for _, amount := range amounts {
		if strings.Contains(amount, ".") {
			most = max(most, decimals(amount))
		}
	}
	for i, amount := range amounts {
		if strings.Contains(amount, ".") {
			amounts[i] += strings.Repeat(" ", most-decimals(amount))
		}
	}
}

func (t *reportTable) isKey(name string) bool { return slices.Contains(t.keys(), name) }

// isRate tells whether a decimal is a share of something.
func (t *reportTable) isRate(name string) bool {
	_, bounded := t.rows[0].values[name+"_low"]
	return bounded || strings.HasSuffix(name, "_rate") || strings.HasSuffix(name, "_share")
}

// ratio is a formula such as "reached / audience".
var ratio = regexp.MustCompile(`^\w+ / (\w+)`)

// denominator is the column of what a rate is of, "" where no column tells.
func (t *reportTable) denominator(of *answer.Column) string {
	den := strings.TrimSuffix(of.Name, "_rate") + "_den"
	if _, there := t.rows[0].values[den]; there {
		return den
	}
	if found := ratio.FindStringSubmatch(of.Text); found != nil {
		if _, isCount := t.rows[0].values[found[1]].(json.Number); isCount {
			return found[1]
		}
	}
	return ""
}

// fillRate shows a rate as a percentage, with its bound, its interval and what it is of, each of them aligned.
func (t *reportTable) fillRate(c *tableColumn, of *answer.Column) {
	den := t.denominator(of)
	parts := make([][3]string, len(t.rows))
	var widths [3]int
	for i, row := range t.rows {
		rate, low, high := rational(row.values[of.Name]), rational(row.values[of.Name+"_low"]),
			rational(row.values[of.Name+"_high"])
		c.rates = append(c.rates, rate)
		p := &parts[i]
		p[0] = output.Unknown
		if rate != nil {
			decimals := percentDecimals(rate, high)
			p[0] = boundSign(row.values[t.boundOf(of)]) + percentage(rate, decimals) + " %"
			if low != nil && high != nil {
				p[1] = " (" + percentage(low, decimals) + "…" + percentage(high, decimals) + ")"
			}
		}
		if den != "" {
			p[2] = " of " + output.Grouped(shownValue(row.values[den]))
		}
		for j, part := range p {
			widths[j] = max(widths[j], pretty.StringWidth(part))
		}
	}
	for _, p := range parts {
		c.cells = append(c.cells, pretty.AlignRight.Apply(p[0], widths[0])+pretty.AlignLeft.Apply(p[1], widths[1])+
			pretty.AlignRight.Apply(p[2], widths[2]))
	}
}

// said is where the text of a column names the one that says which way it errs.
var said = regexp.MustCompile(`; (\w+) says which way it errs`)

func (t *reportTable) boundOf(of *answer.Column) string {
	if found := said.FindStringSubmatch(of.Text); found != nil {
		return found[1]
	}
	return ""
}

// rational reads a number of JSON, nil for null.
func rational(value any) *big.Rat {
	n, isNumber := value.(json.Number)
	if !isNumber {
		return nil
	}
	r, ok := new(big.Rat).SetString(n.String())
	if !ok {
		return nil
	}
	return r
}

// percentDecimals is how many decimals a percentage needs: rates are exact to 6 decimals, and small ones, such as
// complaints, are told apart by the last of them.
func percentDecimals(rate, high *big.Rat) int {
	largest := rate
	if high != nil && high.Cmp(rate) > 0 {
		largest = high
	}
	switch {
	case largest.Cmp(big.NewRat(1, 1000)) < 0:
		return 3
	case largest.Cmp(big.NewRat(1, 100)) < 0:
		return 2
	}
	return 1
}

func percentage(rate *big.Rat, decimals int) string {
	return new(big.Rat).Mul(rate, big.NewRat(100, 1)).FloatString(decimals)
}

// shownValue is a value as it is shown.
func shownValue(value any) string {
	switch v := value.(type) {
	case nil:
		return output.Unknown
	case string:
		return output.Printable(v)
	case bool:
		if v {
			return "yes"
		}
		return "no"
	case json.Number:
		return v.String()
	case []any:
		var all []string
		for _, element := range v {
			all = append(all, shownValue(element))
		}
		return strings.Join(all, "; ")
	case map[string]any:
		var all []string
		for _, name := range []string{"channel", "reason", "units", "messages", "cost"} {
			if member, there := v[name]; there && member != "" {
				all = append(all, shownValue(member))
			}
		}
		return strings.Join(all, " ")
	}
	return fmt.Sprint(value)
}

// header is the name, in two lines where it is wider than the cells and an underscore lets it be.
func (c *tableColumn) header() []string {
	widest := 0
	for _, cell := range c.cells {
		widest = max(widest, pretty.StringWidth(cell))
	}
	if c.bar > 0 {
		widest += c.bar + 1
	}
	best := []string{c.name}
	for i, letter := range c.name {
		if longest := max(i+1, len(c.name)-i-1); letter == '_' && len(best[0]) > widest &&
			longest < max(len(best[0]), len(best[len(best)-1])) {
			best = []string{c.name[:i+1], c.name[i+1:]}
		}
	}
	return best
}

// width is what the column takes without its bar.
func (c *tableColumn) width() (width int) {
	for _, lines := range [][]string{c.cells, c.header()} {
		for _, line := range lines {
			width = max(width, pretty.StringWidth(line))
		}
	}
	if c.limit > 0 {
		width = min(width, c.limit)
	}
	return width
}

// shorten cuts cells to a width.
func (c *tableColumn) shorten(width int) { c.limit = width }

// cell is what stands in a row.
func (c *tableColumn) cell(row int, coloured bool) string {
	shown := c.cells[row]
	if c.limit > 0 {
		shown = pretty.Snip(shown, c.limit, "…")
	}
	if c.bar == 0 {
		return shown
	}
	drawn := bar(c.rates[row], c.bar)
	if coloured {
		drawn = pretty.FgCyan.Sprint(drawn)
	}
	return drawn + " " + shown
}

// bar draws a rate of 0…1 in eighths of a column, padded to the width. Any rate above 0 can be seen.
func bar(rate *big.Rat, width int) string {
	eighths := 0
	if rate != nil && rate.Sign() > 0 {
		scaled := new(big.Rat).Mul(rate, big.NewRat(int64(8*width), 1))
		eighths = int(new(big.Int).Quo(scaled.Num(), scaled.Denom()).Int64())
		eighths = min(max(eighths, 1), 8*width)
	}
	drawn := strings.Repeat("█", eighths/8)
	if rest := eighths % 8; rest > 0 {
		drawn += string([]rune("▏▎▍▌▋▊▉")[rest-1])
	}
	return pretty.AlignLeft.Apply(drawn, width)
}

// legendOf explains the signs that columns have.
func legendOf(columns []*tableColumn) (legend []string) {
	for _, sign := range []struct{ sign, means string }{
		{"≥ ", "≥ some readers cannot be seen, so the truth is this or more."},
		{"≤ ", "≤ some reads are no people, so the truth is this or less."},
		{"~ ", "~ routes err both ways."},
		{output.Unknown, "– not known."},
	} {
		if slices.ContainsFunc(columns, func(c *tableColumn) bool {
			return slices.ContainsFunc(c.cells, func(cell string) bool {
				cell = strings.TrimLeft(cell, " ")
				return cell == sign.sign || c.rates != nil && strings.HasPrefix(cell, sign.sign)
			})
		}) {
			legend = append(legend, sign.means)
		}
	}
	interval := func(cell string) bool { return strings.Contains(cell, "…") }
	if slices.ContainsFunc(columns, func(c *tableColumn) bool {
		return c.rates != nil && slices.ContainsFunc(c.cells, interval)
	}) {
		legend = append(legend, "In brackets the 95 % interval.")
	}
	if len(legend) > 0 {
		return []string{strings.Join(legend, " ")}
	}
	return nil
}
