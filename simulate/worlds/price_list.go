package worlds

import (
	"strings"
	"testing"
	"time"

	"kaskad/simulate/model/settings"
)

// PriceList reads rows such as "sms per_segment_sent 2.00 provider=p1 currency=EUR from=2026-11-01 to=2026-12-01
// connect=0.7 minimum=30000". What is not said is RUB, since 2024, for ever.
func PriceList(t testing.TB, rows ...string) []settings.Tariff {
	t.Helper()
	date := func(s string) time.Time {
		at, err := time.Parse(time.DateOnly, s)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	var list []settings.Tariff
	for _, text := range rows {
		words := strings.Fields(text)
		row := settings.Tariff{Channel: words[0], Billing: words[1], Price: words[2], Currency: "RUB",
			ValidFrom: date("2024-01-01")}
		for _, word := range words[3:] {
			name, value, _ := strings.Cut(word, "=")
			switch name {
			case "provider":
				row.Provider = value
			case "operator":
				row.Operator = value
			case "country":
				row.Country = value
			case "traffic":
				row.Traffic = value
			case "sender":
				row.Sender = value
			case "app":
				row.App = value
			case "currency":
				row.Currency = value
			case "from":
				row.ValidFrom = date(value)
			case "to":
				to := date(value)
				row.ValidTo = &to
			case "connect":
				row.ConnectPrice = &value
			case "minimum":
				row.MonthlyMinimum = &value
			default:
				t.Fatalf("%q in %q", word, text)
			}
		}
		list = append(list, row)
	}
	return list
}
