package main

import (
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"kaskad/cmd/kaskad/commandtest"
	"kaskad/cmd/kaskad/output"
	"kaskad/money"
)

// oneDay is a small demo.
var oneDay = []string{"--days", "1", "--messages", "3000"}

// startDemo starts `kaskad demo` in the directory and returns what it has printed when it is done.
func (k *kaskad) startDemo(flags ...string) string {
	k.t.Helper()
	k.output = &commandtest.Buffer{}
	k.launch([]string{asKaskad + "="}, append([]string{"demo", "--data", k.dir, "--listen", k.address,
		"--log-level", "warn"}, flags...))
	for began := time.Now(); time.Since(began) < 5*time.Minute; {
		text := k.output.String()
		if strings.Contains(text, "Ctrl-C ends it") {
			return text
		}
		select {
		case <-k.ended:
			k.t.Fatal("the demo ended by itself")
		case <-time.After(50 * time.Millisecond):
		}
	}
	k.t.Fatal("the demo is not done after five minutes")
	return ""
}

// mustPrint checks that the text has the report's figures: a line for each row, and the sum of all rows.
func (k *kaskad) mustPrint(text string) {
	k.t.Helper()
	_, table, found := strings.Cut(text, "save against plain SMS?")
	if !found {
		k.t.Fatalf("no savings in\n%s", text)
	}
	lines := map[string]bool{}
	for _, line := range strings.Split(table, "\n") {
		lines[strings.ReplaceAll(line, " ", "")] = true
	}
	var report savingsTotals
	k.get("/v1/reports/savings?group_by=first_channel", &report)
	var messages, unpriced uint64
	total := map[string]*big.Rat{"as SMS": {}, "paid": {}, "reached": {}, "unreached": {}}
	for _, r := range report.Rows {
		messages, unpriced = messages+r.Priced, unpriced+r.Unpriced
		for name, amount := range map[string]string{"as SMS": r.SMSOnly, "paid": r.Actual, "reached": r.SavedReached,
			"unreached": r.SavedUnreached} {
			total[name].Add(total[name], number(k.t, amount))
		}
		if want := fmt.Sprint(r.FirstChannel, r.Priced, r.SMSOnly, r.Actual, r.SavedReached,
			strings.ReplaceAll(share(r.SavedReached, r.SMSOnly), " ", ""),
			r.SavedUnreached); !lines[want] {
			k.t.Errorf("no line %s in%s", want, table)
		}
	}
	if len(report.Rows) < 10 || messages < 2800 || total["reached"].Sign() <= 0 || total["unreached"].Sign() <= 0 {
		k.t.Errorf("the report shows too little: %d rows, %d messages, saved %v, and %v where nobody was reached",
			len(report.Rows), messages, total["reached"], total["unreached"])
	}
	saved := new(big.Rat).Add(total["reached"], total["unreached"])
	if rest := new(big.Rat).Sub(total["as SMS"], total["paid"]); saved.Cmp(rest) != 0 {
		k.t.Errorf("%v is saved in all, plain SMS less what was paid is %v", saved, rest)
	}
	rate, _ := number(k.t, new(big.Rat).Quo(total["reached"], total["as SMS"]).FloatString(6)).Float64()
	want := fmt.Sprint("all,RUB", messages, total["as SMS"].FloatString(2), total["paid"].FloatString(2),
		total["reached"].FloatString(2),
		strings.ReplaceAll(percent(&rate), " ", ""), total["unreached"].FloatString(2))
	if !lines[want] {
		k.t.Errorf("no line %s in%s", want, table)
	}
	if want := fmt.Sprintf("tariff version %d. %d messages are left out", report.TariffVersion,
		unpriced); !strings.Contains(table, want) {
		k.t.Errorf("no %q in%s", want, table)
	}
}

// mustPrintNumbers checks that the greeting tells the verdicts as they are when nothing is left to decide.
func (k *kaskad) mustPrintNumbers(text string) {
	k.t.Helper()
	k.settle(time.Minute)
	conn := k.database()
	for waiting := uint64(1); waiting > 0; {
		if err := conn.QueryRow(k.t.Context(), "SELECT count() FROM numbers_touched WHERE generation > "+
			"(SELECT max(generation) FROM numbers_done)").Scan(&waiting); err != nil {
			k.t.Fatal(err)
		}
		time.Sleep(20 * time.Millisecond)
	}
	rows, err := conn.Query(k.t.Context(), "SELECT state, count() FROM number_health FINAL GROUP BY state")
	if err != nil {
		k.t.Fatal(err)
	}
	defer rows.Close()
	states := map[string]uint64{}
	for rows.Next() {
		var state string
		var n uint64
		if err := rows.Scan(&state, &n); err != nil {
			k.t.Fatal(err)
		}
		states[state] = n
	}
	if err := rows.Err(); err != nil {
		k.t.Fatal(err)
	}
	want := fmt.Sprintf("Phone numbers: %s active, %s suspect (one hard failure), %s dead, %s revived, %s without a "+
		"delivery.", output.Thousands(states["active"]), output.Thousands(states["suspect"]),
		output.Thousands(states["dead"]),
		output.Thousands(states["revived"]), output.Thousands(states["unknown"]))
	if !strings.Contains(text, want) || states["suspect"] == 0 {
		k.t.Errorf("no %q in\n%s", want, text)
	}
}

// The demo shows what the cascades saved, by price lists that it has put the way everybody does, and leaves alone a
// list that somebody has changed since.
func TestDemo_Savings(t *testing.T) {
	k := newKaskad(t)
	greeting := k.startDemo(oneDay...)
	k.mustPrint(greeting)
	k.mustPrintNumbers(greeting)
	tariffs, err := money.ParseTariffsYAML(demoTariffs)
	if err != nil {
		t.Fatal(err)
	}
	var list struct {
		Version uint64
		Tariffs []any
	}
	k.get("/v1/tariffs?account=lavka", &list)
	if list.Version == 0 || len(list.Tariffs) != len(tariffs) {
		t.Errorf("version %d has %d tariffs, want %d", list.Version, len(list.Tariffs), len(tariffs))
	}
	var before, after savingsTotals
	k.get("/v1/reports/savings?account=lavka", &before)
	for i := range tariffs {
		if tariffs[i].Channel == "sms" {
			tariffs[i].Price *= 2
		}
	}
	body, err := money.TariffsJSON(tariffs)
	if err != nil {
		t.Fatal(err)
	}
	if status, answer := k.request("PUT", "/v1/tariffs?account=lavka", "application/json", body); status != 200 {
		t.Fatalf("PUT: %d %s", status, answer)
	}
	k.stop()

	k.mustPrint(k.startDemo(oneDay...))
	k.get("/v1/reports/savings?account=lavka", &after)
	double := new(big.Rat).Mul(number(t, before.Rows[0].SMSOnly), big.NewRat(2, 1))
	if number(t, after.Rows[0].SMSOnly).Cmp(double) != 0 || after.TariffVersion <= before.TariffVersion {
		t.Errorf("at twice the price plain SMS costs %s in place of %s, by version %d after %d", after.Rows[0].SMSOnly,
			before.Rows[0].SMSOnly, after.TariffVersion, before.TariffVersion)
	}
	k.stop()
}

func TestShare(t *testing.T) {
	for _, c := range [...][3]string{{"3.25", "4.00", "81.3 %"}, {"-0.75", "4.00", "-18.8 %"},
		{"0.00", "4.00", "0.0 %"}, {"0.00", "0.00", "–"}, {"", "", "–"}} {
		if got := share(c[0], c[1]); got != c[2] {
			t.Errorf("%s of %s: %s, want %s", c[0], c[1], got, c[2])
		}
	}
}

func TestGrouped(t *testing.T) {
	for amount, want := range map[string]string{"0.00": "0.00", "999.5": "999.5", "1000.00": "1 000.00",
		"-1234567.123456": "-1 234 567.123456", "-100.00": "-100.00"} {
		if got := output.Grouped(amount); got != want {
			t.Errorf("%s: %s, want %s", amount, got, want)
		}
	}
	if got := signed("-1.00") + signed("0.00"); got != "-1.00+0.00" {
		t.Errorf("signed: %s", got)
	}
}
