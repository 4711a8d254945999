package query

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"kaskad/query/querytest"
)

// libreOffice returns a function that has LibreOffice open a file and write what it sees as CSV.
func libreOffice(t *testing.T) func(file string, options ...string) [][]string {
	t.Helper()
	program, err := exec.LookPath("libreoffice")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("libreoffice is missing: install libreoffice-calc-nogui, as .ci/run does")
		}
		t.Skip("libreoffice is missing: on Debian, apt-get install libreoffice-calc-nogui")
	}
	profile := t.TempDir()
	return func(file string, options ...string) [][]string {
		t.Helper()
		folder := t.TempDir()
		// Commas, double quotes, UTF-8; and cells as they are shown.
		command := exec.CommandContext(t.Context(), program, slices.Concat([]string{
			"-env:UserInstallation=file://" + profile, "--headless", "--norestore"}, options,
			[]string{"--convert-to", "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false", "--outdir",
				folder, file})...)
		said, err := command.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, said)
		}
		name := strings.TrimSuffix(filepath.Base(file), filepath.Ext(file)) + ".csv"
		shown, err := os.Open(filepath.Join(folder, name))
		if err != nil {
			t.Fatalf("%v: %s", err, said)
		}
		defer shown.Close()
		rows, err := csv.NewReader(shown).ReadAll()
		if err != nil || len(rows) < 2 {
			t.Fatalf("%d rows: %v", len(rows), err)
		}
		return rows
	}
}

// LibreOffice shows the CSV, with quoted fields as text, and the workbook as they are: no plus and no zero is lost, no
// letter is another one, and nothing is a formula.
func TestServer_Reports_LibreOffice(t *testing.T) {
	open := libreOffice(t)
	conn := newConn(t)
	texts := []string{"Скидка «осень» – до 50 %", "=1+1", "+1+1", "-1+1", "@SUM(1)", "=HYPERLINK(\"http://x\",\"y\")",
		"007", "+79001234567", "1e5", "0.10", "1,5", "a \"b\", c\nd", "2026-11-18", " padded ", "TRUE", "10:30", "😀 ёЁ", "'=1",
		"\t=1+1", "12345678901234567890"}
	var lines []string
	for i, text := range texts {
		campaign, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, querytest.AcmeEvent(fmt.Sprintf("%04d", i), 1, "sms", "undelivered", "2026-11-18T10:00:05Z",
			`"submitted_at":"2026-11-18T10:00:00Z"`, `"campaign":`+string(campaign), `"sms_segments":3`,
			`"provider":"map","error_code":"0012"`))
	}
	querytest.StoreEvents(t, conn, lines...)
	storeLives(t, conn)
	s := newServer(t, conn)
	folder := t.TempDir()
	for _, path := range []string{"/v1/messages", "/v1/numbers/dead", "/v1/reports/failures?group_by=campaign,day"} {
		join := "?"
		if strings.Contains(path, "?") {
			join = "&"
		}
		var want pageAnswer
		decode(t, get(s, path), http.StatusOK, &want)
		for _, format := range []string{"csv", "xlsx"} {
			w := get(s, path+join+"format="+format)
			file := filepath.Join(folder, "rows."+format)
			if err := os.WriteFile(file, w.Body.Bytes(), 0o600); err != nil || w.Code != http.StatusOK {
				t.Fatal(w.Code, err)
			}
			var options []string
			if format == "csv" {
				// Commas, double quotes, UTF-8, from the first line on, no columns of their own, the usual language,
				// quoted fields as text, no special numbers.
				options = []string{"--infilter=CSV:44,34,76,1,,0,true,false"}
			}
			shown := open(file, options...)
			if len(shown)-1 != len(want.Rows) || len(want.Rows) == 0 {
				t.Errorf("%s as %s: %d rows, want %d", path, format, len(shown)-1, len(want.Rows))
				continue
			}
			for i, row := range want.Rows {
				for at, name := range shown[0] {
					if got := shown[i+1][at]; !shownAs(got, row[name], format == "csv") {
						t.Errorf("%s as %s: row %d: %s is %q, want %v", path, format, i, name, got, row[name])
					}
				}
			}
		}
	}
}

// shownAs tells whether a cell shows a value of JSON; in CSV formulas are defused by an apostrophe.
func shownAs(shown string, want any, guarded bool) bool {
	switch want := want.(type) {
	case nil:
		return shown == ""
	case bool:
		return strings.EqualFold(shown, fmt.Sprint(want))
	case json.Number:
		x, ok1 := new(big.Rat).SetString(shown)
		y, ok2 := new(big.Rat).SetString(want.String())
		return ok1 && ok2 && x.Cmp(y) == 0
	case string:
		if shown == want || guarded && strings.HasPrefix(shown, "'") && shown[1:] == want {
			return true
		}
		x, ok1 := new(big.Rat).SetString(shown) // money
		y, ok2 := new(big.Rat).SetString(want)
		return ok1 && ok2 && strings.Contains(want, ".") && x.Cmp(y) == 0 && !strings.HasPrefix(want, "+")
	}
	return true // a list: its form is that of CSV
}
